import type { Fill, Row, Style, Worksheet } from 'exceljs';
import type { CellValue } from '../chunk.ts';
import type { OutColumn } from '../column.ts';
import type { Table } from '../document.ts';
import type { Locale } from '../request.ts';
import { excelText } from './excel-text.ts';
import { type CellContext, isNumeric, sheetCell } from './sheet-cell.ts';
import {
  HEADER_FILL,
  HEADER_FONT,
  HEADER_HEIGHT_POINTS,
  headerAlignment,
  ROW_BORDER,
  STRONG_FILL,
  STRONG_FONT,
  VALUE_FONT,
} from './sheet-look.ts';

/** Characters of a header that a small table's column makes room for in one line. */
const NARROW_HEADER = 14;
/** Characters that a figure of a small table needs, such as `12,345,678.90`. */
const NARROW_NUMBER = 13;
const MOST_WIDTH = 80;
const LINE_HEIGHT_POINTS = 15;

/** Where a small table stands, and how. */
export interface TablePlace {
  readonly row: number;
  /** The sheet column (from 1) of each of the table's own. */
  readonly columns: readonly number[];
  /** Which of its rows are sums that stand out; none when absent. */
  readonly strong?: (cells: readonly CellValue[]) => boolean;
}

/**
 * Writes a small table with its header.
 * @returns the row after it
 */
export function writeTable(
  sheet: Worksheet,
  table: Table,
  place: TablePlace,
  document: CellContext,
): number {
  writeHeader(sheet, table.columns, place, document);
  const styleOf = sharedStyles();
  table.rows.forEach((cells, index) => {
    const row = sheet.getRow(place.row + 1 + index);
    const strong = place.strong?.(cells) ?? false;
    if (strong) fillRow(row, place.columns, STRONG_FILL);
    table.columns.forEach((column, c) => {
      const cell = row.getCell(place.columns[c]);
      const { value, numFmt } = sheetCell(column, cells[c], document);
      cell.value = value;
      cell.style = styleOf(numFmt, isNumeric(column), strong);
    });
  });
  return place.row + 1 + table.rows.length;
}

/** Writes a header where its columns have their widths already. */
export function writeHeader(
  sheet: Worksheet,
  columns: readonly OutColumn[],
  place: TablePlace,
  document: { readonly locale: Locale },
): void {
  const row = sheet.getRow(place.row);
  const lines = columns.map((column, index) => {
    const width = sheet.getColumn(place.columns[index]).width ?? column.width;
    return Math.ceil((column.header.length * 1.1) / width);
  });
  row.height = HEADER_HEIGHT_POINTS + (Math.max(1, ...lines) - 1) * LINE_HEIGHT_POINTS;
  fillRow(row, place.columns, HEADER_FILL);
  const [textStyle, numberStyle] = [false, true].map((numeric) => ({
    numFmt: '@',
    font: HEADER_FONT,
    fill: HEADER_FILL,
    alignment: headerAlignment(numeric),
  }));
  columns.forEach((column, index) => {
    const cell = row.getCell(place.columns[index]);
    cell.value = excelText(column.header, document.locale);
    cell.style = isNumeric(column) ? numberStyle : textStyle;
  });
}

/** Fills a row from the first column to the table's last, so that gaps in it do not show. */
function fillRow(row: Row, columns: readonly number[], fill: Fill): void {
  const style = { fill };
  for (let column = 1; column <= Math.max(...columns); column++) row.getCell(column).style = style;
}

/** Equal styles as the same object: ExcelJS compares a style that it has not met by its XML. */
function sharedStyles() {
  const known = new Map<string, Partial<Style>>();
  return (numFmt: string, numeric: boolean, strong: boolean): Partial<Style> => {
    const name = `${numFmt}/${numeric}/${strong}`;
    const style = known.get(name) ?? {
      numFmt,
      font: strong ? STRONG_FONT : VALUE_FONT,
      border: ROW_BORDER,
      alignment: { horizontal: numeric ? 'right' : 'left' },
      ...(strong ? { fill: STRONG_FILL } : {}),
    };
    known.set(name, style);
    return style;
  };
}

/** The width of a Detail column, in characters: its header stands beside a filter button. */
export function widthOf(column: OutColumn): number {
  return Math.min(MOST_WIDTH, Math.max(column.width, column.header.length * 1.1 + 4));
}

/** The width of a column of a small table, whose header may take several lines. */
export function narrowWidthOf(column: OutColumn): number {
  const longestWord = Math.max(...column.header.split(/\s/).map((word) => word.length));
  const header = Math.max(longestWord, Math.min(column.header.length, NARROW_HEADER));
  const content = isNumeric(column) ? Math.min(column.width, NARROW_NUMBER) : column.width;
  return Math.min(MOST_WIDTH, Math.max(content, header * 1.15 + 3));
}
