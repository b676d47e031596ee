import { crc32, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembleFile } from '../../src/reports/assemble.ts';
import type { CellValue } from '../../src/reports/chunk.ts';
import { deflatePiece } from '../../src/reports/render/deflate.ts';
import { FORMATS, type Format } from '../../src/reports/request.ts';
import { sheetRows, unzip } from './support/read-xlsx.ts';
import { column, documentOf, fileOf } from './support/sample.ts';

const COLUMNS = [column('id', 'text'), column('n', 'integer')];
const ROWS: CellValue[][] = Array.from({ length: 60 }, (_, i) => [`row ${i}`, i]);

/** The content of a file in a form that does not depend on how it was compressed. */
async function contentOf(format: Format, file: Buffer): Promise<string> {
  if (format === 'csv.gz') return gunzipSync(file).toString();
  if (format === 'zip') return [...(await unzip(file)).values()].join('\n');
  if (format === 'xlsx') return JSON.stringify(sheetRows(file, 'Detail'));
  return file.toString();
}

describe.each(FORMATS)('%s', (format) => {
  test('is the same however its rows are cut into pieces', async () => {
    const whole = await contentOf(
      format,
      await fileOf({ columns: COLUMNS, batches: [ROWS], format }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(60), { maxLength: 4 }), async (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), 60];
        const batches = edges.slice(1).map((end, index) => ROWS.slice(edges[index], end));
        expect(await contentOf(format, await fileOf({ columns: COLUMNS, batches, format }))).toBe(
          whole,
        );
      }),
      { numRuns: 10 },
    );
  });

  test('gives the same bytes for the same input, and says how many', async () => {
    const sample = { columns: COLUMNS, batches: [ROWS], format };
    expect((await fileOf(sample)).equals(await fileOf(sample))).toBe(true);
  });

  test('without rows is whole', async () => {
    const file = await fileOf({ columns: COLUMNS, batches: [], format });
    const content = await contentOf(format, file);
    expect(content.includes('row')).toBe(format === 'zip');
    expect(content.includes('id')).toBe(format !== 'ndjson');
  });

  test('with rows missing is refused before anything goes out', async () => {
    const { assembly, sent } = assemblyOf(format, { document: { rows: 61 } });
    await expect(assembleFile(assembly)).rejects.toMatchObject({ code: 'E_TOTALS_MISMATCH' });
    expect(sent()).toBe(0);
  });

  test.each([
    ['cut short', (data: Buffer) => data.subarray(0, -5)],
    ['too long', (data: Buffer) => Buffer.concat([data, Buffer.alloc(1)])],
  ])('from a piece %s fails with E_PART_DAMAGED', async (_, damage) => {
    const { assembly } = assemblyOf(format, { damage });
    await expect(assembleFile(assembly)).rejects.toMatchObject({ code: 'E_PART_DAMAGED' });
  });

  test('ends with the reason of the signal when it aborts', async () => {
    const controller = new AbortController();
    const { assembly } = assemblyOf(format, { signal: controller.signal });
    const reason = new Error('enough');
    const out = async () => controller.abort(reason);
    await expect(assembleFile({ ...assembly, out })).rejects.toBe(reason);
  });
});

describe('zip', () => {
  test('holds the CSV under its own name and a manifest that is true of it', async () => {
    const document = {
      irregularDays: [
        { date: '2026-10-25', zone: 'Europe/Berlin', hours: 25, startsAt: '00:00:00' },
      ],
      totals: { columns: [column('n', 'integer')], rows: [[1770]] },
    };
    const entries = await unzip(
      await fileOf({ columns: COLUMNS, batches: [ROWS], format: 'zip', document }),
    );
    const [[name, csv], [second, manifest]] = [...entries];
    expect(name).toBe('north-phones_calls_2026-10-25.csv');
    expect(second).toBe('manifest.json');
    expect(JSON.parse(manifest.toString())).toMatchObject({
      report: 'calls',
      period: { from: '2026-10-25', to: '2026-10-25' },
      zones: ['UTC'],
      irregular_days: [
        { date: '2026-10-25', zone: 'Europe/Berlin', hours: 25, starts_at: '00:00:00' },
      ],
      data_as_of: '2026-10-26T01:02:03.000Z',
      revision: 1,
      file: {
        name,
        rows: 60,
        bytes: csv.length,
        crc32: crc32(csv).toString(16).padStart(8, '0'),
        columns: [
          { key: 'id', header: 'id', type: 'text', unit: null },
          { key: 'n', header: 'n', type: 'integer', unit: null },
        ],
      },
      totals: [{ n: 1770 }],
    });
  });
});

describe('xlsx', () => {
  test('counts its bytes, rows and sheets', async () => {
    const { assembly, sent } = assemblyOf('xlsx', {});
    expect(await assembleFile(assembly)).toEqual({ bytes: sent(), rows: 60, sheets: 1 });
  });

  test('of more than 16,384 columns is refused', async () => {
    const columns = Array.from({ length: 16_385 }, (_, i) => column(`c${i}`, 'integer'));
    const { assembly, sent } = assemblyOf('xlsx', { document: { columns } });
    await expect(assembleFile(assembly)).rejects.toMatchObject({
      code: 'E_TOO_LARGE',
      details: { where: 'columns', got: 16_385, expected: 16_384 },
    });
    expect(sent()).toBe(0);
  });
});

function assemblyOf(
  format: Format,
  change: {
    document?: object;
    damage?: (data: Buffer) => Buffer;
    signal?: AbortSignal;
  },
) {
  const raw = Buffer.from(ROWS.map(([id, n]) => `<row><c><v>${id}${n}</v></c></row>`).join(''));
  const { piece, data } = deflatePiece(raw, ROWS.length);
  let bytes = 0;
  const assembly = {
    document: { ...documentOf({ columns: COLUMNS, batches: [ROWS], format }), ...change.document },
    pieces: [piece],
    async *openPiece() {
      yield change.damage?.(data) ?? data;
    },
    cellRefs: false,
    out: async (chunk: Uint8Array) => {
      bytes += chunk.length;
    },
    signal: change.signal ?? new AbortController().signal,
  };
  return { assembly, sent: () => bytes };
}
