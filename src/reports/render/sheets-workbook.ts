import ExcelJS from 'exceljs';
import { CHUNK_ROWS, type Chunk } from '../chunk.ts';
import type { OutColumn } from '../column.ts';
import { AUTO_REFS_ROWS } from '../request.ts';
import { type DeflatedPiece, deflatePieceAside, FINAL_BLOCK } from './deflate.ts';
import { addDetailSheet } from './detail-sheet.ts';
import { cutDetailXml } from './detail-xml.ts';
import { excelText } from './excel-text.ts';
import { addFactsSheet, type FactsSheet } from './facts-sheet.ts';
import { createRowRenderer, type RenderZone } from './row-renderer.ts';
import { SHEET_ROWS } from './sheet-plan.ts';
import { deflateOwn, deflateWhole, joinRuns, type OwnRun, type Sink } from './splice.ts';
import { NO_DATA_DATE, packageOf } from './workbook-package.ts';
import { ZipWriter } from './zip-writer.ts';

/** Rows of one kind, on a sheet of their own, or on several where they are many. */
export interface SheetOfRows {
  /** At most 25 characters; those that go on are `… 2`, `… 3`. */
  readonly name: string;
  readonly columns: readonly OutColumn[];
  readonly rows: number;
  /** All rows, at most {@link CHUNK_ROWS} in a chunk, every one but the last full; called once. */
  readonly chunks: () => Iterable<Chunk>;
}

export interface SheetsWorkbook {
  readonly summary: FactsSheet;
  /** For the file's properties. */
  readonly company: string;
  readonly sheets: readonly SheetOfRows[];
  readonly zone: RenderZone;
  readonly out: Sink;
  readonly signal: AbortSignal;
  /** Rows of a sheet at most, the header included; the format's limit by default. */
  readonly maxRows?: number;
  /** Cells of a kind with at most so many rows bear references. */
  readonly refsUpTo?: number;
}

/** A sheet of the file: which of the kinds, and how many rows. */
interface PlannedSheet {
  readonly of: number;
  readonly name: string;
  readonly rows: number;
}

/**
 * Writes a workbook of several sheets of rows behind a summary. Where rows are not very many, cells
 * bear references, so that every program reads them. The compressed rows of one sheet are held at a time, since a zip entry
 * says its length in front.
 * @returns the names of the sheets behind the summary
 */
export async function writeSheetsWorkbook(book: SheetsWorkbook): Promise<string[]> {
  const { sheets, out } = book;
  const planned = sheets.flatMap((sheet, of) => spread(sheet, of, book.maxRows ?? SHEET_ROWS));
  const zip = new ZipWriter(out);
  const sources = sheets.map((sheet) => sheet.chunks()[Symbol.iterator]());
  for (const entry of await shellOf(book, planned)) {
    if (entry.detail === null) {
      await zip.addWhole(entry.name, deflateWhole(entry.bytes));
      continue;
    }
    const { of, rows } = planned[entry.detail];
    const { columns, rows: all } = sheets[of];
    const references = all <= (book.refsUpTo ?? AUTO_REFS_ROWS);
    const xml = cutDetailXml(entry.bytes.toString('utf8'), columns, rows, references);
    const runs = [
      deflateOwn(Buffer.from(xml.head)),
      ...(await renderRows({ columns, rows, references }, sources[of], book)),
      deflateOwn(Buffer.from(xml.tail)),
    ];
    await zip.add(entry.name, joinRuns(runs), async (write) => {
      for (const run of runs) await write(run.data);
      await write(FINAL_BLOCK);
    });
  }
  await zip.end();
  return planned.map(({ name }) => name);
}

/** Sheets end where chunks do, so that a chunk is rendered once and whole. */
function spread({ name, rows }: SheetOfRows, of: number, maxRows: number): PlannedSheet[] {
  const most = Math.floor((maxRows - 1) / CHUNK_ROWS) * CHUNK_ROWS;
  if (most === 0) throw new RangeError(`a sheet of ${maxRows} rows holds no chunk`);
  return Array.from({ length: Math.max(1, Math.ceil(rows / most)) }, (_, index) => ({
    of,
    name: index === 0 ? name : `${name} ${index + 1}`,
    rows: Math.min(most, rows - index * most),
  }));
}

/** Everything but the rows; the order of its entries is that of the sheets. */
async function shellOf({ summary, company, sheets }: SheetsWorkbook, planned: PlannedSheet[]) {
  const { locale } = summary;
  const workbook = new ExcelJS.Workbook();
  workbook.creator = 'Daybook';
  workbook.lastModifiedBy = 'Daybook';
  workbook.created = new Date(NO_DATA_DATE);
  workbook.modified = workbook.created;
  workbook.title = excelText(summary.title, locale);
  workbook.company = excelText(company, locale);
  addFactsSheet(workbook, summary);
  for (const { of, name, rows } of planned) {
    addDetailSheet(workbook, { columns: sheets[of].columns, locale }, { name, rows });
  }
  const entries = await packageOf(workbook, locale, planned.length);
  return entries.sort((a, b) => (a.detail ?? -1) - (b.detail ?? -1));
}

/** So many chunks are deflated at the most while the next is rendered. */
const MOST_DEFLATING = 2;

async function renderRows(
  sheet: {
    readonly columns: readonly OutColumn[];
    readonly rows: number;
    readonly references: boolean;
  },
  chunks: Iterator<Chunk>,
  { summary, zone, signal }: SheetsWorkbook,
): Promise<OwnRun[]> {
  const { columns, rows, references } = sheet;
  const { locale } = summary;
  const renderer = createRowRenderer(
    { form: 'xlsx', columns, locale, headers: 'labels', firstRows: null },
    zone,
  );
  const runs: OwnRun[] = [];
  const deflating: Promise<DeflatedPiece>[] = [];
  const takeUntil = async (left: number) => {
    while (deflating.length > left) {
      const { piece, data } = (await deflating.shift()) as DeflatedPiece;
      runs.push({ ...piece, data });
    }
  };
  for (let done = 0; done < rows; ) {
    signal.throwIfAborted();
    const { value: chunk, done: ended } = chunks.next();
    if (ended) throw new RangeError(`there are ${done} rows, not ${rows}`);
    const rendered = renderer.render(chunk, null, references ? done + 2 : null);
    const raw = Buffer.from(rendered.bytes);
    await takeUntil(MOST_DEFLATING - 1);
    const piece = deflatePieceAside(raw, rendered.rows);
    // A failure is met when it is taken.
    piece.catch(() => {});
    deflating.push(piece);
    done += rendered.rows;
  }
  await takeUntil(0);
  return runs;
}
