import type { Workbook } from 'exceljs';
import type { CellValue } from '../chunk.ts';
import type { ReportDocument } from '../document.ts';
import { LABEL_FONT, SECTION_FONT, TAB_COLOURS } from './sheet-look.ts';
import { narrowWidthOf, writeTable } from './sheet-table.ts';
import { writeBalances } from './summary-sheet.ts';
import { CONTROL_SHEET, workbookLabel } from './workbook-labels.ts';

/** The last sheet: what each day gave, the sum, and the check. */
export function addControlSheet(workbook: Workbook, document: ReportDocument): void {
  const { control, locale } = document;
  const sheet = workbook.addWorksheet(CONTROL_SHEET, {
    views: [
      {
        state: 'frozen',
        ySplit: 4,
        xSplit: 0,
        topLeftCell: 'A5',
        activeCell: 'A5',
        showGridLines: false,
      },
    ],
    properties: { tabColor: { argb: TAB_COLOURS.control } },
    pageSetup: {
      orientation: 'landscape',
      fitToPage: true,
      fitToWidth: 1,
      fitToHeight: 0,
      paperSize: 9,
    },
  });
  control.columns.forEach((column, index) => {
    sheet.getColumn(index + 1).width = narrowWidthOf(column);
  });
  const title = sheet.getCell(1, 1);
  title.value = workbookLabel('control', locale);
  title.style = { font: SECTION_FONT };
  const note = sheet.getCell(2, 1);
  note.value = workbookLabel('controlNote', locale);
  note.style = { font: LABEL_FONT };
  const columns = control.columns.map((_, index) => index + 1);
  const end = writeTable(sheet, control, { row: 4, columns, strong: isNoDay }, document);
  writeBalances(sheet, end + 1, columns.length, document);
}

/** The sum and the check stand below the days. */
function isNoDay([first]: readonly CellValue[]): boolean {
  return !/^\d{4}-\d\d-\d\d$/.test(String(first));
}
