import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { parse as csvParse } from 'csv-parse/sync';
import csvParser from 'csv-parser';
import fc from 'fast-check';
import Papa from 'papaparse';
import { describe, expect, test } from 'vitest';
import type { CellValue } from '../../src/reports/chunk.ts';
import { neutralised } from '../../src/reports/render/formula-safety.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { column, fileOf } from './support/sample.ts';

const COLUMNS = [
  column('id', 'text', { header: 'Call; "id", one' }),
  column('started_at', 'instant'),
  column('day', 'date'),
  column('seconds', 'integer'),
  column('amount', 'decimal', { minScale: 2 }),
];

const ROWS: CellValue[][] = [
  ['a', Date.UTC(2026, 9, 25, 0, 59, 59), '2026-10-25', 12, '-12.5'],
  ['b "c", d', Date.UTC(2026, 9, 25, 1, 0, 0, 999), '2026-10-25', -3, '1.2345'],
  ['e\r\nf;g', null, null, null, null],
  ['=1+1', Date.UTC(2026, 9, 25, 23), '2026-10-26', 2 ** 53 - 1, '7'],
];

describe('CSV', () => {
  test('in English has commas, points, ISO dates, no mark and ends lines in CRLF', async () => {
    const file = await fileOf({
      columns: COLUMNS,
      batches: [ROWS],
      format: 'csv',
      zone: 'Europe/Berlin',
    });
    expect(file.toString('utf8')).toBe(
      [
        '"Call; ""id"", one",started_at,day,seconds,amount',
        'a,2026-10-25 02:59:59,2026-10-25,12,-12.50',
        '"b ""c"", d",2026-10-25 02:00:00,2026-10-25,-3,1.2345',
        '"e\r\nf;g",,,,',
        "'=1+1,2026-10-26 00:00:00,2026-10-26,9007199254740991,7.00",
        '',
      ].join('\r\n'),
    );
  });

  test.each(['pt-BR', 'es'] as const)(
    'in %s has semicolons, commas, DD/MM/YYYY and a mark',
    async (locale) => {
      const file = await fileOf({
        columns: COLUMNS,
        batches: [ROWS],
        format: 'csv',
        locale,
        zone: 'Europe/Berlin',
      });
      expect(file.toString('utf8')).toBe(
        [
          '\ufeff"Call; ""id"", one";started_at;day;seconds;amount',
          'a;25/10/2026 02:59:59;25/10/2026;12;-12,50',
          '"b ""c"", d";25/10/2026 02:00:00;25/10/2026;-3;1,2345',
          '"e\r\nf;g";;;;',
          "'=1+1;26/10/2026 00:00:00;26/10/2026;9007199254740991;7,00",
          '',
        ].join('\r\n'),
      );
    },
  );

  test('a lone empty cell is not an empty line', async () => {
    const file = await fileOf({
      columns: [column('id', 'text')],
      batches: [[['a'], [null], ['b']]],
      format: 'csv',
    });
    expect(file.toString()).toBe('id\r\na\r\n""\r\nb\r\n');
  });

  test('10,000 fuzzed rows come back equal from three readers, in both dialects', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(...'=+-@\t\r\n",; \'＝a1.'), maxLength: 8 }),
    );
    const rows = fc
      .sample(fc.tuple(text, text, text), { seed: 7, numRuns: 10_000 })
      .map((row) => row.map((cell) => cell.replaceAll('\0', '')));
    const columns = ['one', 'two', 'three'].map((key) => column(key, 'text'));
    for (const locale of ['en', 'es'] as const) {
      const file = await fileOf({
        columns,
        batches: [rows.slice(0, 3000), rows.slice(3000)],
        format: 'csv.gz',
        locale,
      });
      const expected = [['one', 'two', 'three'], ...rows.map((row) => row.map(neutralised))];
      const bytes = gunzipSync(file);
      const delimiter = locale === 'en' ? ',' : ';';
      expect(csvParse(bytes, { bom: true, delimiter })).toEqual(expected);
      const parsed = Papa.parse<string[]>(bytes.toString('utf8'), { delimiter, newline: '\r\n' });
      expect(parsed.errors).toEqual([]);
      expect(parsed.data.slice(0, -1)).toEqual(expected);
      // It takes no notice of a byte order mark.
      const mark = locale === 'en' ? 0 : 3;
      expect(await readByCsvParser(bytes.subarray(mark), delimiter)).toEqual(expected);
    }
  });
});

describe.skipIf(!hasSharedData)('published parse cases', () => {
  const cases = hasSharedData
    ? (JSON.parse(readFileSync(sharedData('csv/parse-cases.json'), 'utf8')) as {
        description: string;
        rows?: string[][];
      }[])
    : [];

  test('rows of every case come back equal when we write them', async () => {
    let compared = 0;
    for (const { description, rows } of cases) {
      const width = Math.max(0, ...(rows ?? []).map((row) => row.length));
      if (rows === undefined || width === 0) continue;
      const full = rows.map((row) => [...row, ...Array<string>(width - row.length).fill('')]);
      const file = await fileOf({
        columns: full[0].map((_, index) => column(`c${index}`, 'text')),
        batches: [full],
        format: 'csv',
      });
      const read = csvParse(file).slice(1);
      expect([description, read]).toEqual([description, full.map((row) => row.map(neutralised))]);
      compared++;
    }
    expect(compared).toBeGreaterThan(15);
  });
});

async function readByCsvParser(bytes: Buffer, separator: string): Promise<string[][]> {
  const rows: string[][] = [];
  const parser = Readable.from([bytes]).pipe(csvParser({ headers: false, separator }));
  for await (const row of parser) rows.push(Object.values(row as Record<string, string>));
  return rows;
}
