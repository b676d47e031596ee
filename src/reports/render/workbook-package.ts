import ExcelJS from 'exceljs';
import { fromBufferPromise } from 'yauzl';
import type { ReportDocument } from '../document.ts';
import type { Locale } from '../request.ts';
import { addChangesSheet } from './changes-sheet.ts';
import { addControlSheet } from './control-sheet.ts';
import { addDetailSheet, type DetailSheet } from './detail-sheet.ts';
import { excelText } from './excel-text.ts';
import { checkStyles } from './style-check.ts';
import { addSummarySheet } from './summary-sheet.ts';

/** An entry of the package, inflated. */
export interface PackageEntry {
  readonly name: string;
  readonly bytes: Buffer;
  /** The Detail sheet (counted from 0) that rows are to be spliced into, or null. */
  readonly detail: number | null;
}

/** The date that a workbook bears when its report has no data, so that it is never a clock's. */
export const NO_DATA_DATE = Date.UTC(2000, 0, 1);

/**
 * Makes the styled package around the rows: everything but the rows of the Detail sheets.
 * @throws DaybookError `E_INTERNAL` when its styles are not those that rows were rendered for
 */
export async function makeWorkbookPackage(
  document: ReportDocument,
  details: readonly DetailSheet[],
): Promise<PackageEntry[]> {
  const workbook = new ExcelJS.Workbook();
  workbook.creator = 'Daybook';
  workbook.lastModifiedBy = 'Daybook';
  workbook.created = new Date(document.dataAsOf ?? NO_DATA_DATE);
  workbook.modified = workbook.created;
  workbook.title = excelText(`${document.title} – ${document.tenant}`, document.locale);
  workbook.company = excelText(document.tenant, document.locale);
  addSummarySheet(
    workbook,
    document,
    details.map(({ name }) => name),
  );
  for (const detail of details) addDetailSheet(workbook, document, detail);
  addControlSheet(workbook, document);
  if (document.changes) addChangesSheet(workbook, document, document.changes);
  return packageOf(workbook, document.locale, details.length);
}

/**
 * The entries of a workbook whose second sheet and those behind it are to get rows.
 * @throws DaybookError `E_INTERNAL` when its styles are not those that rows are rendered for
 */
export async function packageOf(
  workbook: ExcelJS.Workbook,
  locale: Locale,
  details: number,
): Promise<PackageEntry[]> {
  // Stored: its entries are taken out again, and deflated where the file is assembled.
  const stored = { zip: { compression: 'STORE' } } as Partial<ExcelJS.XlsxWriteOptions>;
  const entries = await readEntries(Buffer.from(await workbook.xlsx.writeBuffer(stored)));
  const styles = entries.find(({ name }) => name === 'xl/styles.xml');
  checkStyles(styles?.bytes.toString('utf8') ?? '', locale);
  return entries.map((entry) => ({ ...entry, detail: detailOf(entry.name, details) }));
}

/** ExcelJS numbers sheets as they were added: Summary is 1, the first Detail is 2. */
function detailOf(name: string, details: number): number | null {
  const number = Number(/^xl\/worksheets\/sheet(\d+)\.xml$/.exec(name)?.[1]);
  return number >= 2 && number < 2 + details ? number - 2 : null;
}

/** Of an archive whose entries are stored: they are cut out where they stand. */
async function readEntries(archive: Buffer): Promise<{ name: string; bytes: Buffer }[]> {
  const zip = await fromBufferPromise(archive, { lazyEntries: true, autoClose: false });
  const entries: { name: string; bytes: Buffer }[] = [];
  for await (const entry of zip.eachEntry()) {
    const { fileName: name, uncompressedSize: length } = entry;
    if (name.endsWith('/')) continue;
    const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    entries.push({ name, bytes: withoutEmptyIds(archive.subarray(start, start + length), name) });
  }
  return entries;
}

/**
 * ExcelJS points from each bar of a conditional format to an extension of it, with an empty id when
 * there is none. An empty id is no GUID, as its schema demands; the pointer is taken out.
 */
function withoutEmptyIds(bytes: Buffer, name: string): Buffer {
  if (!name.startsWith('xl/worksheets/')) return bytes;
  const xml = bytes.toString('utf8');
  return Buffer.from(xml.replaceAll(/<extLst><ext [^>]*><x14:id\/><\/ext><\/extLst>/g, ''));
}
