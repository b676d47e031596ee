import type { Workbook } from 'exceljs';
import type { DocumentChanges } from '../document.ts';
import type { CellContext } from './sheet-cell.ts';
import { LABEL_FONT, SECTION_FONT, TAB_COLOURS } from './sheet-look.ts';
import { narrowWidthOf, writeTable } from './sheet-table.ts';
import { CHANGES_SHEET, workbookLabel } from './workbook-labels.ts';

/** Of an amendment: what is different from the file that it amends. */
export function addChangesSheet(
  workbook: Workbook,
  document: CellContext,
  changes: DocumentChanges,
): void {
  const { locale } = document;
  const sheet = workbook.addWorksheet(CHANGES_SHEET, {
    views: [{ showGridLines: false }],
    properties: { tabColor: { argb: TAB_COLOURS.control } },
    pageSetup: {
      orientation: 'landscape',
      fitToPage: true,
      fitToWidth: 1,
      fitToHeight: 0,
      paperSize: 9,
    },
  });
  const { totals, rows, counts } = changes;
  rows.columns.forEach((column, index) => {
    const widths = [column, totals.columns[index]].flatMap((each) => each ?? []);
    sheet.getColumn(index + 1).width = Math.max(...widths.map(narrowWidthOf));
  });
  const title = sheet.getCell(1, 1);
  title.value = `${workbookLabel('changesSince', locale)} ${changes.revision}`;
  title.style = { font: SECTION_FONT };
  const say = (label: Parameters<typeof workbookLabel>[0]) => workbookLabel(label, locale);
  const notes = [
    `${say('changedDays')}: ${changes.days.join(', ')}`,
    counts === null
      ? say('rowsForgotten')
      : `${say('added')} ${counts.added}, ${say('changed')} ${counts.changed}, ${say('removed')} ${counts.removed}`,
    ...(changes.unlisted > 0 ? [`${say('unlisted')}: ${changes.unlisted}`] : []),
  ];
  notes.forEach((text, index) => {
    const cell = sheet.getCell(index + 2, 1);
    cell.value = text;
    cell.style = { font: LABEL_FONT };
  });
  const places = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const first = notes.length + 3;
  const place = { row: first, columns: places(totals.columns.length) };
  const next = writeTable(sheet, totals, place, document);
  if (rows.rows.length === 0) return;
  writeTable(sheet, rows, { row: next + 1, columns: places(rows.columns.length) }, document);
}
