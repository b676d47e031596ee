import type { Worksheet } from 'exceljs';
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
  VALUE_FONT,
} from './sheet-look.ts';

/** Where a small table stands: its first row, and the sheet column (from 1) of each of its own. */
export interface TablePlace {
  readonly row: number;
  readonly columns: readonly number[];
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
    table.columns.forEach((column, c) => {
      const cell = row.getCell(place.columns[c]);
      const { value, numFmt } = sheetCell(column, cells[c], document);
      cell.value = value;
      cell.style = {
        numFmt,
        font: VALUE_FONT,
        border: ROW_BORDER,
        alignment: { horizontal: isNumeric(column) ? 'right' : 'left' },
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

/** Widths that hold each column's header and what it says it needs, in characters. */
export function widthOf(column: OutColumn, roomForButton: boolean): number {
  const header = [...column.header].length * 1.1 + (roomForButton ? 4 : 2);
  return Math.min(80, Math.max(column.width, header, 8));
}
