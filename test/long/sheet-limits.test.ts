import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assembleFile } from '../../src/reports/assemble.ts';
import { CHUNK_ROWS } from '../../src/reports/chunk.ts';
import { deflatePiece } from '../../src/reports/render/deflate.ts';
import { createRowRenderer } from '../../src/reports/render/row-renderer.ts';
import { planSheets } from '../../src/reports/render/sheet-plan.ts';
import { python } from '../interop/support/programs.ts';
import { column, documentOf } from '../render/support/sample.ts';

const COLUMN = column('n', 'integer');

const COUNT_ROWS = `
import sys, json, openpyxl
book = openpyxl.load_workbook(sys.argv[1], read_only=True)
found = {}
for name in book.sheetnames:
    if name.startswith('Detail'):
        rows, first, last = 0, None, None
        for (value,) in book[name].iter_rows(values_only=True):
            rows += 1
            if rows == 2: first = value
            last = value
        found[name] = [rows, first, last]
print(json.dumps(found))`;

/** Minutes of openpyxl: `npx vitest run --project long`. */
test.each([
  [1_048_574, { Detail: [1_048_575, 0, 1_048_573] }],
  [1_048_575, { Detail: [1_048_576, 0, 1_048_574] }],
  // The last piece begins with row 1,032,192 and moves on whole.
  [1_048_576, { Detail: [1_032_193, 0, 1_032_191], 'Detail 2': [16_385, 1_032_192, 1_048_575] }],
  [
    3_000_000,
    {
      Detail: [1_032_193, 0, 1_032_191],
      'Detail 2': [1_032_193, 1_032_192, 2_064_383],
      'Detail 3': [935_617, 2_064_384, 2_999_999],
    },
  ],
])(
  '%d rows stand on sheets that openpyxl reads whole, none over the limit',
  async (rows, expected) => {
    for (const cellRefs of [false, true]) {
      const folder = await mkdtemp(join(tmpdir(), 'daybook-long-'));
      try {
        const path = join(folder, 'long.xlsx');
        await writeRows(path, rows, cellRefs);
        expect(await python(COUNT_ROWS, path)).toEqual(expected);
      } finally {
        await rm(folder, { recursive: true });
      }
    }
  },
  1_800_000,
);

async function writeRows(path: string, rows: number, cellRefs: boolean): Promise<void> {
  const document = { ...documentOf({ columns: [COLUMN], batches: [], format: 'xlsx' }), rows };
  const sizes = Array.from({ length: Math.ceil(rows / CHUNK_ROWS) }, (_, index) =>
    Math.min(CHUNK_ROWS, rows - index * CHUNK_ROWS),
  );
  const plan = planSheets(sizes);
  const renderer = createRowRenderer(
    { form: 'xlsx', columns: [COLUMN], locale: 'en', headers: 'labels', firstRows: null },
    { name: 'UTC', stretches: [] },
  );
  const made = sizes.map((size, index) => {
    const values = Float64Array.from({ length: size }, (_, i) => index * CHUNK_ROWS + i);
    const chunk = { rows: size, columns: new Map([['n', { type: 'integer' as const, values }]]) };
    const { bytes } = renderer.render(chunk, null, cellRefs ? plan[index].firstRow : null);
    return deflatePiece(bytes, size);
  });
  const file = await open(path, 'w');
  try {
    await assembleFile({
      document,
      pieces: made.map(({ piece }) => piece),
      async *openPiece(index) {
        yield made[index].data;
      },
      cellRefs,
      out: async (bytes) => void (await file.write(bytes)),
      signal: new AbortController().signal,
    });
  } finally {
    await file.close();
  }
}
