import { readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { readMendedFile } from '../../src/ingest/mended-rows.ts';
import { rejectHeader, writeRejectsXlsx } from '../../src/ingest/reject-file.ts';
import { pieces } from '../ingest/support/load.ts';
import { PAYLOADS } from '../render/support/payloads.ts';
import { python, withFile } from './support/programs.ts';

/** The workbook of rejects, read, changed and written by openpyxl, and read back. */

const CHANGE = `
import sys, json, warnings, openpyxl
warnings.simplefilter('ignore')
book = openpyxl.load_workbook(sys.argv[1])
sheet = book['Rejects']
rows = [[c.value for c in row] for row in sheet.iter_rows()]
types = sorted(set(c.data_type for row in sheet.iter_rows() for c in row if c.value is not None))
sheet.delete_cols(2, 1)
for row in sheet.iter_rows(min_row=2):
    for c in row:
        c.data_type = 's' if isinstance(c.value, str) else c.data_type
book.create_sheet('Notes')['A1'] = 'mine'
book.save(sys.argv[2])
print(json.dumps({'rows': rows, 'types': types}))`;

/** openpyxl writes no control characters. */
const TEXTS = [...PAYLOADS, '00123', '+4930123', '-12.50', ' padded ', 'a\nb', 'Ünï😀'].filter(
  (text) => text !== '' && !/[\0-\x08\x0b-\x1f\x7f]/.test(text),
);

test('openpyxl finds the rows as they were sent, all of them text, and what it saves comes back', async () => {
  const columns = ['sku', 'note', 'amount'];
  const line = (text: string, i: number) => ({
    ...{ id: String(i + 1), field: 'sku', reason: '=unknown', suggestion: '=MUG' },
    raw: { columns, values: [text, null, '007'] },
  });
  const written: Buffer[] = [];
  const out = new Writable({
    write(piece: Buffer, _encoding, done) {
      written.push(Buffer.from(piece));
      done();
    },
  });
  async function* lines() {
    yield* TEXTS.map(line);
  }
  await writeRejectsXlsx(rejectHeader(columns, 3, true), lines(), out);
  const back = await withFile('rejects.xlsx', Buffer.concat(written), (path) =>
    withFile('mended.xlsx', Buffer.alloc(0), async (saved) => {
      const read = await python<{ rows: (string | null)[][]; types: string[] }>(
        CHANGE,
        path,
        saved,
      );
      expect(read.types).toEqual(['s']);
      expect(read.rows[0]).toEqual(['reject_id', 'reason', 'suggestion', ...columns]);
      expect(read.rows.slice(1).map((row) => row[3])).toEqual(TEXTS);
      expect(read.rows.slice(1).every((row) => row[2] === '=MUG' && row[5] === '007')).toBe(true);
      return readMendedFile(pieces(await readFile(saved)), 'mended.xlsx');
    }),
  );
  expect(back.map(({ rejectId }) => rejectId)).toEqual(TEXTS.map((_, i) => String(i + 1)));
  expect(back.map(({ byColumn }) => byColumn.get('sku')?.text)).toEqual(TEXTS);
  expect(back.every(({ byColumn }) => byColumn.get('amount')?.text === '007')).toBe(true);
});
