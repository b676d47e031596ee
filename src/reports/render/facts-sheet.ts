import type { Workbook } from 'exceljs';
import type { CellValue } from '../chunk.ts';
import type { Table } from '../document.ts';
import { excelText } from './excel-text.ts';
import type { CellContext } from './sheet-cell.ts';
import { LABEL_FONT, TAB_COLOURS, TITLE_FONT, VALUE_FONT } from './sheet-look.ts';
import { narrowWidthOf, writeTable } from './sheet-table.ts';
import { registerStyles } from './style-columns.ts';
import { writeSection } from './summary-sheet.ts';
import { SUMMARY_SHEET } from './workbook-labels.ts';

/** A first sheet of facts and small tables under headings. */
export interface FactsSheet extends CellContext {
  readonly title: string;
  /** Texts as they stand, whole numbers as counts. */
  readonly facts: readonly (readonly [label: string, value: string | number])[];
  readonly tables: readonly {
    readonly heading: string;
    readonly table: Table;
    readonly strong?: (cells: readonly CellValue[]) => boolean;
  }[];
}

const LEAST_WIDTH = 14;

/** Adds it; it must come before any other sheet, since it carries the styles of all rows. */
export function addFactsSheet(workbook: Workbook, page: FactsSheet): void {
  const { locale, facts, tables } = page;
  const sheet = workbook.addWorksheet(SUMMARY_SHEET, {
    views: [{ showGridLines: false }],
    properties: { tabColor: { argb: TAB_COLOURS.summary } },
    pageSetup: {
      orientation: 'landscape',
      fitToPage: true,
      fitToWidth: 1,
      fitToHeight: 0,
      paperSize: 9,
    },
  });
  const width = Math.max(2, ...tables.map(({ table }) => table.columns.length));
  for (let index = 0; index < width; index++) {
    const wanted = tables.flatMap(({ table }) => table.columns.slice(index, index + 1));
    const labels = index === 0 ? facts.map(([label]) => label.length + 3) : [];
    sheet.getColumn(index + 1).width = Math.max(
      LEAST_WIDTH,
      ...labels,
      ...wanted.map(narrowWidthOf),
    );
  }
  registerStyles(sheet, locale);

  const title = sheet.getCell(1, 1);
  title.value = excelText(page.title, locale);
  title.style = { font: TITLE_FONT, alignment: { vertical: 'middle' } };
  sheet.getRow(1).height = 34;
  let row = 2;
  for (const [label, value] of facts) {
    const labelCell = sheet.getCell(row, 1);
    labelCell.value = label;
    labelCell.style = { font: LABEL_FONT };
    const cell = sheet.getCell(row, 2);
    cell.value = typeof value === 'string' ? excelText(value, locale) : value;
    const numFmt = typeof value === 'string' ? '@' : '#,##0';
    cell.style = { font: VALUE_FONT, alignment: { horizontal: 'left' }, numFmt };
    row++;
  }
  for (const { heading, table, strong } of tables) {
    row = writeSection(sheet, row + 1, width, heading);
    const columns = table.columns.map((_, index) => index + 1);
    row = writeTable(sheet, table, { row, columns, ...(strong ? { strong } : {}) }, page);
  }
}
