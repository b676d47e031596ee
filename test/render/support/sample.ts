import { gunzipSync } from 'node:zlib';
import { assembleFile } from '../../../src/reports/assemble.ts';
import { type CellValue, type Chunk, chunkFromRows } from '../../../src/reports/chunk.ts';
import type { CellType, OutColumn } from '../../../src/reports/column.ts';
import type { ReportDocument, Table } from '../../../src/reports/document.ts';
import type { FragmentForm, Piece } from '../../../src/reports/fragment.ts';
import { deflatePiece } from '../../../src/reports/render/deflate.ts';
import { createRowRenderer } from '../../../src/reports/render/row-renderer.ts';
import { planSheets } from '../../../src/reports/render/sheet-plan.ts';
import type { Format, Locale } from '../../../src/reports/request.ts';
import { codingOf } from '../../../src/reports/stored-form.ts';

/** A column of a made-up report. */
export function column(key: string, type: CellType, more: Partial<OutColumn> = {}): OutColumn {
  return { key, header: key, type, unit: null, minScale: 0, width: 12, ...more };
}

/** Rows of cells as a chunk that bears the keys of the columns. */
export function chunkOf(columns: readonly OutColumn[], rows: readonly CellValue[][]): Chunk {
  return chunkFromRows(
    columns.map(({ key, type }) => ({ name: key, type: type === 'date' ? 'text' : type })),
    rows,
  );
}

export interface Sample {
  readonly columns: readonly OutColumn[];
  /** One piece for each. */
  readonly batches: readonly (readonly CellValue[][])[];
  readonly format: Format;
  readonly locale?: Locale;
  readonly zone?: string;
  readonly cellRefs?: boolean;
  readonly document?: Partial<ReportDocument>;
}

export const FORM_OF: Readonly<Record<Format, FragmentForm>> = {
  csv: 'csv',
  'csv.gz': 'csv',
  zip: 'csv',
  ndjson: 'ndjson',
  xlsx: 'xlsx',
};

const EMPTY: Table = { columns: [], rows: [] };

export function documentOf(sample: Sample): ReportDocument {
  const rows = sample.batches.reduce((sum, batch) => sum + batch.length, 0);
  return {
    report: 'calls',
    title: 'Calls',
    tenant: 'North Phones',
    locale: sample.locale ?? 'en',
    headers: 'labels',
    format: sample.format,
    grain: 'row',
    period: { from: '2026-10-25', to: '2026-10-25' },
    zones: [sample.zone ?? 'UTC'],
    window: { start: Date.UTC(2026, 9, 25), end: Date.UTC(2026, 9, 26) },
    irregularDays: [],
    dataAsOf: Date.UTC(2026, 9, 26, 1, 2, 3),
    revision: 1,
    filters: [],
    params: [],
    columns: sample.columns,
    rows,
    totals: EMPTY,
    byDay: EMPTY,
    control: EMPTY,
    ...sample.document,
  };
}

/** Renders, deflates and assembles a sample as an export would; as people get it. */
export async function fileOf(sample: Sample): Promise<Buffer> {
  const stored = await storedOf(sample);
  return codingOf(sample.format) === 'gzip' ? gunzipSync(stored) : stored;
}

async function storedOf(sample: Sample): Promise<Buffer> {
  const document = documentOf(sample);
  const zone = { name: sample.zone ?? 'UTC', stretches: [] };
  const spec = {
    form: FORM_OF[sample.format],
    columns: sample.columns,
    locale: document.locale,
    headers: document.headers,
    firstRows: null,
  };
  const plan = planSheets(sample.batches.map((batch) => batch.length));
  const renderer = createRowRenderer(spec, zone);
  const pieces: { piece: Piece; data: Buffer }[] = sample.batches.map((batch, index) => {
    const firstRow = sample.cellRefs ? plan[index].firstRow : null;
    const { bytes, rows } = renderer.render(
      chunkOf(sample.columns, batch as CellValue[][]),
      null,
      firstRow,
    );
    return deflatePiece(bytes, rows);
  });
  const chunks: Uint8Array[] = [];
  await assembleFile({
    document,
    pieces: pieces.map(({ piece }) => piece),
    async *openPiece(index) {
      yield pieces[index].data;
    },
    cellRefs: sample.cellRefs ?? false,
    out: async (bytes) => void chunks.push(Buffer.from(bytes)),
    signal: new AbortController().signal,
  });
  return Buffer.concat(chunks);
}
