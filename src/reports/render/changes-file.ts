import ExcelJS from 'exceljs';
import type { ChangesSince } from '../changes.ts';
import { CHUNK_ROWS, chunkFromRows } from '../chunk.ts';
import { addChangesSheet } from './changes-sheet.ts';
import { csvHead } from './csv-head.ts';
import { excelText } from './excel-text.ts';
import { createRowRenderer } from './row-renderer.ts';
import { NO_DATA_DATE } from './workbook-package.ts';

/** What changed since a file was sealed, as files of its own. */

/** A workbook of one sheet: the one that an amendment would bear. */
export async function changesWorkbook(since: ChangesSince): Promise<Buffer> {
  const { document, changes } = since;
  const { locale, tenant, title } = document;
  const workbook = new ExcelJS.Workbook();
  workbook.creator = 'Daybook';
  workbook.lastModifiedBy = 'Daybook';
  workbook.created = new Date(since.dataAsOf ?? NO_DATA_DATE);
  workbook.modified = workbook.created;
  workbook.title = excelText(`${title} – ${tenant}`, locale);
  workbook.company = excelText(tenant, locale);
  addChangesSheet(workbook, document, changes);
  return Buffer.from(await workbook.xlsx.writeBuffer());
}

/**
 * The rows that the sheet lists, in the dialect of the file's language; a changed one comes twice, as
 * it was and as it is. Instants are in the zone of the file, in UTC where it has several.
 */
export async function* changesCsv({ document, changes }: ChangesSince): AsyncGenerator<Buffer> {
  const { columns, rows } = changes.rows;
  const { locale, headers, zones } = document;
  const zone = { name: zones.length === 1 ? zones[0] : 'UTC', stretches: [] };
  const renderer = createRowRenderer(
    { form: 'csv', columns, locale, headers, firstRows: null },
    zone,
  );
  const fields = columns.map(({ key, type }) => ({
    name: key,
    type: type === 'date' ? ('text' as const) : type,
  }));
  yield csvHead(columns, locale, headers);
  for (let first = 0; first < rows.length; first += CHUNK_ROWS) {
    const chunk = chunkFromRows(fields, rows.slice(first, first + CHUNK_ROWS));
    yield renderer.render(chunk, null, null).bytes;
  }
}
