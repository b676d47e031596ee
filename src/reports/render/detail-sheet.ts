import type { Workbook } from 'exceljs';
import type { ReportDocument } from '../document.ts';
import { columnLetters } from './column-letters.ts';
import { TAB_COLOURS } from './sheet-look.ts';
import { widthOf, writeHeader } from './sheet-table.ts';

/** A Detail sheet to be: its name and how many rows follow its header. */
export interface DetailSheet {
  readonly name: string;
  readonly rows: number;
}

/** Adds a Detail sheet with its header alone: frozen, filtered over the rows to come. */
export function addDetailSheet(
  workbook: Workbook,
  document: Pick<ReportDocument, 'columns' | 'locale'>,
  { name, rows }: DetailSheet,
): void {
  const { columns } = document;
  const sheet = workbook.addWorksheet(name, {
    views: [{ state: 'frozen', ySplit: 1, xSplit: 0, topLeftCell: 'A2', activeCell: 'A2' }],
    properties: { tabColor: { argb: TAB_COLOURS.detail } },
    pageSetup: {
      orientation: 'landscape',
      fitToPage: true,
      fitToWidth: 1,
      fitToHeight: 0,
      paperSize: 9,
      printTitlesRow: '1:1',
    },
  });
  columns.forEach((column, index) => {
    sheet.getColumn(index + 1).width = widthOf(column);
  });
  writeHeader(sheet, columns, { row: 1, columns: columns.map((_, index) => index + 1) }, document);
  if (columns.length > 0) {
    sheet.autoFilter = `A1:${columnLetters(columns.length - 1)}${rows + 1}`;
  }
}
