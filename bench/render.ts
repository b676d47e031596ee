import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import ExcelJS from 'exceljs';
import Papa from 'papaparse';
import { assembleFile } from '../src/reports/assemble.ts';
import { type Chunk, type ChunkColumn, cellAt, columnFromCells } from '../src/reports/chunk.ts';
import type { CellType, OutColumn } from '../src/reports/column.ts';
import type { ReportDocument } from '../src/reports/document.ts';
import type { FragmentForm, Piece } from '../src/reports/fragment.ts';
import { deflatePiece } from '../src/reports/render/deflate.ts';
import { createRowRenderer } from '../src/reports/render/row-renderer.ts';
import { planSheets } from '../src/reports/render/sheet-plan.ts';
import { type BenchOptions, type BenchRow, median, secondsOf } from './row.ts';

const DAYS = 31;
const ZONE = 'Europe/Berlin';
const START = Date.UTC(2026, 9, 1);
const DAY_MS = 86_400_000;

const COLUMNS: readonly OutColumn[] = (
  [
    ['external_id', 'text'],
    ['started_at', 'instant'],
    ['answered_at', 'instant'],
    ['ended_at', 'instant'],
    ['direction', 'text'],
    ['caller', 'text'],
    ['callee', 'text'],
    ['queue', 'text'],
    ['agent', 'text'],
    ['disposition', 'text'],
    ['wait_seconds', 'integer'],
    ['talk_seconds', 'integer'],
    ['amount', 'decimal'],
  ] as const satisfies readonly (readonly [string, CellType])[]
).map(([key, type]) => ({ key, header: key, type, unit: null, minScale: 2, width: 16 }));

/**
 * Rows to bytes, in one thread, from columns in memory: against ExcelJS's streaming writer (the
 * same cells, typed, no shared strings) and Papaparse's writer. Rounds alternate; medians.
 */
export async function benchRender({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const small = chunksOf(100_000);
  const rounds = quick ? 3 : 5;
  rows.push(
    await compare('xlsx, 100k rows × 13, with references', rounds, say, {
      ours: () => cold(small, 'xlsx', true),
      theirs: () => byExcelJs(small),
      note: 'render, deflate, splice in one thread; ExcelJS streaming writer',
    }),
    await compare('csv, 100k rows × 13', rounds, say, {
      ours: async () => renderCsv(small),
      theirs: async () => byPapaparse(small),
      note: 'render in one thread, not deflated; Papaparse unparse',
    }),
  );
  if (quick) return rows;
  const large = chunksOf(1_000_000);
  const warm = piecesOf(large, 'xlsx', false);
  let exceljsSeconds = 0;
  rows.push(
    await compare('xlsx, 1M rows × 13, minimal', 1, say, {
      ours: () => cold(large, 'xlsx', false),
      theirs: async () => {
        exceljsSeconds = await secondsOf(() => byExcelJs(large));
      },
      note: 'render, deflate, splice in one thread; ExcelJS streaming writer; one round of theirs',
      oursRounds: 5,
    }),
  );
  const splice = await medianSeconds(5, () => assembled(warm, 'xlsx', false));
  rows.push({
    figure: 'xlsx, 1M rows × 13, from ready pieces',
    ours: splice,
    theirs: exceljsSeconds,
    ratio: splice / exceljsSeconds,
    unit: 's',
    note: 'splice to a file; ExcelJS as in the row above',
  });
  return rows;
}

async function compare(
  figure: string,
  rounds: number,
  say: BenchOptions['say'],
  race: {
    ours: () => Promise<unknown>;
    theirs: () => Promise<unknown>;
    note: string;
    oursRounds?: number;
  },
): Promise<BenchRow> {
  say(`render: ${figure}`);
  await race.ours();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < (race.oursRounds ?? 1); i++) ours.push(await secondsOf(race.ours));
    theirs.push(await secondsOf(race.theirs));
  }
  const [own, other] = [median(ours), median(theirs)];
  return { figure, ours: own, theirs: other, ratio: own / other, unit: 's', note: race.note };
}

interface Pieces {
  readonly pieces: readonly Piece[];
  readonly data: readonly Buffer[];
}

async function cold(chunks: readonly Chunk[], form: FragmentForm, cellRefs: boolean) {
  await assembled(piecesOf(chunks, form, cellRefs), form, cellRefs);
}

function piecesOf(chunks: readonly Chunk[], form: FragmentForm, cellRefs: boolean): Pieces {
  const renderer = rendererOf(form);
  const plan = planSheets(chunks.map(({ rows }) => rows));
  const made = chunks.map((chunk, index) => {
    const { bytes, rows } = renderer.render(chunk, null, cellRefs ? plan[index].firstRow : null);
    return deflatePiece(bytes, rows);
  });
  return { pieces: made.map(({ piece }) => piece), data: made.map(({ data }) => data) };
}

function rendererOf(form: FragmentForm) {
  return createRowRenderer(
    { form, columns: COLUMNS, locale: 'en', headers: 'labels', firstRows: null },
    { name: ZONE, stretches: [] },
  );
}

async function assembled({ pieces, data }: Pieces, form: FragmentForm, cellRefs: boolean) {
  const path = join(tmpdir(), `daybook-bench-${process.pid}.${form}`);
  const file = await open(path, 'w');
  try {
    await assembleFile({
      document: documentOf(pieces, form),
      pieces,
      async *openPiece(index) {
        yield data[index];
      },
      cellRefs,
      out: async (bytes) => void (await file.write(bytes)),
      signal: new AbortController().signal,
    });
  } finally {
    await file.close();
    await rm(path);
  }
}

function renderCsv(chunks: readonly Chunk[]): number {
  const renderer = rendererOf('csv');
  return chunks.reduce(
    (bytes, chunk) => bytes + renderer.render(chunk, null, null).bytes.length,
    0,
  );
}

function byPapaparse(chunks: readonly Chunk[]): number {
  return chunks.reduce((bytes, chunk) => {
    const rows = [...valuesOf(chunk, (wallMs) => wallText(wallMs))];
    return bytes + Buffer.byteLength(Papa.unparse(rows));
  }, 0);
}

async function byExcelJs(chunks: readonly Chunk[]): Promise<void> {
  const path = join(tmpdir(), `daybook-bench-${process.pid}-exceljs.xlsx`);
  const stream = createWriteStream(path);
  const workbook = new ExcelJS.stream.xlsx.WorkbookWriter({
    stream,
    useStyles: true,
    useSharedStrings: false,
  });
  const sheet = workbook.addWorksheet('Detail');
  sheet.columns = COLUMNS.map(({ key, type, width }) => ({
    header: key,
    width,
    style: type === 'instant' ? { numFmt: 'yyyy-mm-dd hh:mm:ss' } : {},
  }));
  for (const chunk of chunks) {
    for (const values of valuesOf(chunk, (wallMs) => new Date(wallMs))) {
      sheet.addRow(values).commit();
      // Without this its output piles up in memory: the writer has no other back-pressure.
      if (stream.writableNeedDrain) await once(stream, 'drain');
    }
  }
  sheet.commit();
  await Promise.all([workbook.commit(), finished(stream)]);
  await stat(path);
  await rm(path);
}

function* valuesOf<Shown>(chunk: Chunk, show: (wallMs: number) => Shown) {
  const columns = COLUMNS.map(({ key, type }) => ({
    type,
    column: chunk.columns.get(key) as ChunkColumn,
  }));
  // The whole period has one offset, which is a gift to the rival.
  const offsetMs = 2 * 3_600_000;
  for (let row = 0; row < chunk.rows; row++) {
    yield columns.map(({ type, column }) => {
      const cell = cellAt(column, row);
      if (cell === null) return null;
      if (type === 'instant') return show(Number(cell) + offsetMs);
      return type === 'decimal' ? Number(cell) : cell;
    });
  }
}

function wallText(wallMs: number): string {
  const iso = new Date(wallMs).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}

/** A month of made-up calls, one chunk a day. */
function chunksOf(rows: number): Chunk[] {
  return Array.from({ length: DAYS }, (_, day) => {
    const count = Math.floor(rows / DAYS) + (day < rows % DAYS ? 1 : 0);
    const step = DAY_MS / count;
    const index = Array.from({ length: count }, (_, i) => i);
    const started = index.map((i) => START + day * DAY_MS + Math.floor(i * step));
    const wait = index.map((i) => (i * 31) % 97);
    const talk = index.map((i) => (i * 17) % 613);
    const cells: Record<string, (string | number | null)[]> = {
      external_id: index.map((i) => `${day}-${(i * 2_654_435_761) % 4_294_967_296}`),
      started_at: started,
      answered_at: index.map((i) => (i % 7 === 0 ? null : started[i] + wait[i] * 1000)),
      ended_at: index.map((i) => started[i] + (wait[i] + talk[i]) * 1000),
      direction: index.map((i) => (i % 5 === 0 ? 'outbound' : 'inbound')),
      caller: index.map((i) => `+4930${1_000_000 + ((i * 7_919) % 8_999_999)}`),
      callee: index.map((i) => `+44207946${1000 + (i % 20)}`),
      queue: index.map((i) => ['Sales', 'Support', 'Billing & more', 'Vendas'][i % 4]),
      agent: index.map((i) => (i % 7 === 0 ? null : `agent ${i % 40}`)),
      disposition: index.map((i) => (i % 7 === 0 ? 'no_answer' : 'answered')),
      wait_seconds: wait,
      talk_seconds: talk,
      amount: index.map((i) => `${i % 90}.${String(i % 100).padStart(2, '0')}`),
    };
    const columns = new Map(
      COLUMNS.map(({ key, type }) => [
        key,
        columnFromCells(type === 'date' ? 'text' : type, cells[key]),
      ]),
    );
    return { rows: count, columns };
  });
}

function documentOf(pieces: readonly Piece[], form: FragmentForm): ReportDocument {
  const empty = { columns: [], rows: [] };
  return {
    report: 'calls',
    title: 'Calls',
    tenant: 'Bench',
    locale: 'en',
    headers: 'labels',
    format: form,
    grain: 'row',
    period: { from: '2026-10-01', to: '2026-10-31' },
    zones: [ZONE],
    window: { start: START, end: START + DAYS * DAY_MS },
    irregularDays: [],
    dataAsOf: START,
    revision: 1,
    filters: [],
    params: [],
    columns: COLUMNS,
    rows: pieces.reduce((sum, { rows }) => sum + rows, 0),
    totals: empty,
    byDay: empty,
    control: empty,
  };
}

async function medianSeconds(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) seconds.push(await secondsOf(work));
  return median(seconds);
}
