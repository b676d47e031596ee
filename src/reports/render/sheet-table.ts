import type { Fill, Row, Worksheet } from 'exceljs';
import type { CellValue } from '../chunk.ts';
import type { OutColumn } from '../column.ts';
import type { ReportDocument, Table } from '../document.ts';
import { excelText } from './excel-text.ts';
import { isNumeric, sheetCell } from './sheet-cell.ts';
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
  document: ReportDocument,
): number {
  writeHeader(sheet, table.columns, place, document);
  table.rows.forEach((cells, index) => {
    const row = sheet.getRow(place.row + 1 + index);
    const strong = place.strong?.(cells) ?? false;
    if (strong) fillRow(row, place.columns, STRONG_FILL);
    table.columns.forEach((column, c) => {
      const cell = row.getCell(place.columns[c]);
      const { value, numFmt } = sheetCell(column, cells[c], document);
      cell.value = value;
      cell.style = {
        numFmt,
        font: strong ? STRONG_FONT : VALUE_FONT,
        border: ROW_BORDER,
        alignment: { horizontal: isNumeric(column) ? 'right' : 'left' },
        ...(strong ? { fill: STRONG_FILL } : {}),
      };
    });
  });
  return place.row + 1 + table.rows.length;
}

export function writeHeader(
  sheet: Worksheet,
  columns: readonly OutColumn[],
  place: TablePlace,
  document: ReportDocument,
): void {
  const row = sheet.getRow(place.row);
  row.height = HEADER_HEIGHT_POINTS;
  fillRow(row, place.columns, HEADER_FILL);
  columns.forEach((column, index) => {
    const cell = row.getCell(place.columns[index]);
    cell.value = excelText(column.header, document.locale);
    cell.style = {
      numFmt: '@',
      font: HEADER_FONT,
      fill: HEADER_FILL,
      alignment: headerAlignment(isNumeric(column)),
    };
  });
}

/** Fills a row from the first column to the table's last, so that gaps in it do not show. */
function fillRow(row: Row, columns: readonly number[], fill: Fill): void {
  for (let column = 1; column <= Math.max(...columns); column++)
    row.getCell(column).style = { fill };
}

/** Widths that hold each column's header and what it says it needs, in characters. */
export function widthOf(column: OutColumn, roomForButton: boolean): number {
  const header = [...column.header].length * 1.1 + (roomForButton ? 4 : 2);
  return Math.min(80, Math.max(column.width, header, 8));
}
