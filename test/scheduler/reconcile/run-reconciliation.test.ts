import ExcelJS from 'exceljs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as XLSX from 'xlsx';
import { sheetRows, wallOfSerial } from '../../render/support/read-xlsx.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../../support/database.ts';
import { addCharges, inWords, run, workbookOf } from './support.ts';

let test: TestDatabase;
let acme: TestTenant;
let other: TestTenant;
beforeAll(async () => {
  test = await freshDatabase();
  acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  other = await addTestTenant(test.database, { name: 'other', zone: 'UTC' });
  await addCharges(test.database, acme, [
    ['a1', '2026-03-01T10:00:00Z', '+441', '+491', 60, '0.10'],
    ['a2', '2026-03-02T10:00:00Z', '+442', '+492', 60, '0.20'],
    ['a3', '2026-03-03T10:00:00Z', '+443', '+493', 60, '0.30'],
    ['a4', '2026-03-04T10:00:00Z', '+444', '+494', 60, '0.40'],
    ['a5', '2026-03-05T10:00:00Z', null, '+495', 61, '0.0167'],
    ['a6', '2026-03-06T10:00:00Z', '+446', '+496', 60, '0.60'],
    ['a7', '2026-03-07T11:00:00Z', '+447', '+497', 60, '1234567890.123456'],
  ]);
  await addCharges(test.database, other, [['a1', '2026-03-01T10:00:00Z', '+441', '+491', 60, '9']]);
});
afterAll(() => test.drop());

const HEADER = 'external_id,started_at,caller,callee,billed_seconds,amount,currency';
const FILE = [
  HEADER,
  'a1,2026-03-01T10:00:00Z,441,491,60,0.10,EUR',
  'x2,2026-03-02T10:00:03Z,00442,00492,66,0.22,EUR',
  'a3,2026-03-03T10:00:00Z,443,493,60,0.35,EUR',
  'a5,2026-03-05T10:00:00Z,445,495,61,0.02,EUR',
  'a6,2026-03-06T10:00:00Z,446,496,60,0.60,EUR',
  'a6,2026-03-06T10:00:00Z,446,496,60,0.60,EUR',
  ',2026-03-07T10:00:00Z,447,497,60,0.70,EUR',
].join('\n');
const FOUND =
  'matched 2 0, only_ours 2 -1234567890.523456, only_theirs 1 0.7, duration 1 0.02, rate 1 0.05, rounding 1 0.0033, duplicate 1 0.6';

describe('a file against the charges of a period', () => {
  it('is told apart class by class, from CSV', async () => {
    expect(inWords(await run(test.database, acme, FILE))).toBe(FOUND);
  });

  it('is the same from any order, separator and form, through a map', async () => {
    const [header, ...rows] = FILE.split('\n');
    const reversed = [header, ...rows.reverse()].join('\n').replaceAll(',', ';');
    expect(inWords(await run(test.database, acme, reversed))).toBe(FOUND);

    const book = new ExcelJS.Workbook();
    const sheet = book.addWorksheet('Calls');
    sheet.addRow(['Ref', 'When', 'From', 'To', 'Secs', 'Cost']);
    for (const row of FILE.split('\n').slice(1)) {
      const [id, at, from, to, seconds, amount] = row.split(',');
      sheet.addRow([id, new Date(at), from, to, Number(seconds), amount]);
    }
    const xlsx = Buffer.from(await book.xlsx.writeBuffer());
    const map = {
      zone: 'UTC',
      fields: {
        external_id: 'Ref',
        started_at: 'When',
        caller: 'From',
        callee: 'To',
        billed_seconds: 'Secs',
        amount: 'Cost',
        currency: { value: 'EUR' },
      },
    };
    expect(inWords(await run(test.database, acme, xlsx, { name: 'c.xlsx', map }))).toBe(FOUND);
  });

  it('compares only the charges of the trunk that was asked for', async () => {
    await addCharges(test.database, other, [['t', '2026-03-09T10:00:00Z', '1', '2', 1, '1']], {
      trunk: 'north',
    });
    const file = `${HEADER}\nt,2026-03-09T10:00:00Z,1,2,1,1,EUR`;
    expect(inWords(await run(test.database, other, file, { trunk: 'north' }))).toBe('matched 1 0');
    expect(inWords(await run(test.database, other, file))).toBe('matched 1 0, only_ours 1 -9');
  });
});

describe('before anything is compared, a file is refused', () => {
  const refusal = (file: string, options = {}) =>
    run(test.database, acme, file, options).then(
      () => 'accepted',
      (error: Error) => error.message,
    );

  it('that was read with the separator of another', async () => {
    const message = await refusal(FILE.replaceAll(',', ';'), { map: { delimiter: ',' } });
    expect(message).toContain('carrier.csv: read as csv, delimiter ","');
    expect(message).toContain('it holds 6 times ";", which seems to be the separator');
  });

  it('of another period, with what was found and what expected', async () => {
    const message = await refusal(FILE.replaceAll('2026-03-0', '2026-02-0'));
    expect(message).toBe(
      "carrier.csv: 7 of 7 rows are outside 2026-03-01 to 2026-03-31 (UTC): they start from 2026-02-01 to 2026-02-07; is it another period's file?",
    );
  });

  it('but not for some rows at the edge of the period', async () => {
    const file = FILE.replace('2026-03-07T10:00:00Z', '2026-02-28T23:59:59Z');
    expect(inWords(await run(test.database, acme, file))).toBe(FOUND);
  });

  it('in another currency, or in several', async () => {
    expect(await refusal(FILE.replaceAll('EUR', 'USD'))).toBe(
      'carrier.csv: 7 of 7 rows are in USD, and our charges are in EUR (7 rows)',
    );
    expect(await refusal(FILE.replace('EUR', 'USD'))).toBe(
      'carrier.csv: its rows are in USD (1 rows), EUR (6 rows); expected one currency, and our charges are in EUR (7 rows)',
    );
    expect(inWords(await run(test.database, acme, FILE.replaceAll(',EUR', ',')))).toBe(FOUND);
  });

  it('with a row that cannot be read, since every row counts', async () => {
    expect(await refusal(FILE.replace('0.35', '0,35').replace('0.70', 'much'))).toContain(
      '2 of 7 rows cannot be read, and every one counts; row 3: the row has 8 fields; expected 7',
    );
    expect(await refusal(FILE.replace('T10:00:03Z', 'T10:00:03'))).toContain(
      'row 2: started_at: got "2026-03-02T10:00:03"; expected an offset',
    );
  });

  it('that is empty, lacks a column, or has nothing to be compared with', async () => {
    expect(await refusal(HEADER)).toBe('carrier.csv: it has no rows');
    expect(await refusal('a,b\n1,2')).toContain('there is no started_at, callee');
    const nobody = await addTestTenant(test.database, { name: 'nobody', zone: 'UTC' });
    await expect(run(test.database, nobody, FILE)).rejects.toThrow(
      'there is no rated charge of 2026-03-01 to 2026-03-31 (UTC) to compare it with',
    );
  });
});

describe('the workbook', () => {
  it('has a sheet per class whose sums are those of the summary, cells typed', async () => {
    const { bytes, sheets } = await workbookOf(await run(test.database, acme, FILE));
    expect(sheets).toEqual([
      ...['Matched', 'Only ours', 'Only theirs', 'Duration', 'Rate', 'Rounding', 'Duplicates'],
    ]);
    const summary = sheetRows(bytes, 'Summary');
    const start = summary.findIndex(([first]) => first === 'Sheet');
    const lines = summary.slice(start + 1, start + 8);
    for (const [name, rows, , , explains] of lines) {
      const [header, ...body] = sheetRows(bytes, String(name));
      expect(body).toHaveLength(Number(rows));
      const at = header.indexOf('Explains');
      // Money of more digits than a number keeps stands as text.
      const sum = body.reduce((total, row) => total + Math.round(Number(row[at]) * 1e6), 0);
      expect(sum).toBe(Math.round(Number(explains) * 1e6));
    }
    expect(summary[start + 8].slice(0, 5)).toEqual([
      ...['Sum', 9, '1234567891.740156', 2.59, '-1234567889.150156'],
    ]);
    expect(summary[start + 9].slice(0, 5)).toEqual(['Check', null, null, null, 0]);

    const [header, row] = sheetRows(bytes, 'Duration');
    expect(header.slice(0, 4)).toEqual(['Call ID', "Carrier's ID", 'Caller', 'Callee']);
    expect(row.slice(0, 4)).toEqual(['a2', 'x2', '+442', '+492']);
    expect(wallOfSerial(Number(row[5]))).toBe('2026-03-02 10:00:03.000');
    expect(row.slice(6)).toEqual([60, 66, 6, 0.2, 0.22, 0.02, 'parties and start', 2]);
  });

  it('is read by ExcelJS too, and shows money with one scale', async () => {
    const { bytes } = await workbookOf(await run(test.database, acme, FILE));
    const book = new ExcelJS.Workbook();
    await book.xlsx.load(bytes as unknown as ArrayBuffer);
    const cell = book.getWorksheet('Rate')!.getRow(2).getCell(12);
    expect([cell.value, cell.numFmt]).toEqual([0.05, '#,##0.000000']);
    expect(book.getWorksheet('Only theirs')!.getRow(2).getCell(2).value).toBe('+447');
  });

  it('spreads many rows over several sheets, none of them lost', async () => {
    const rows = 17_000;
    const many = await addTestTenant(test.database, { name: 'many', zone: 'UTC' });
    const at = (i: number) => new Date(Date.UTC(2026, 2, 1) + i * 60_000).toISOString();
    await addCharges(
      test.database,
      many,
      Array.from({ length: rows }, (_, i) => [`c${i}`, at(i), '+441', '+492', 1, '0.01'] as const),
    );
    const file = [
      HEADER,
      ...Array.from({ length: rows }, (_, i) => `c${i},${at(i)},441,492,1,0.01,EUR`),
    ];
    const { bytes, sheets } = await workbookOf(await run(test.database, many, file.join('\n')), {
      maxRows: 16_384 + 1,
      refsUpTo: 16_999,
    });
    expect(sheets.slice(0, 3)).toEqual(['Matched', 'Matched 2', 'Only ours']);
    const book = XLSX.read(bytes, { dense: true });
    const ids = sheets.slice(0, 2).flatMap((name) => {
      const lines = XLSX.utils.sheet_to_json<string[]>(book.Sheets[name], { header: 1 });
      return lines.slice(1).map(([id]) => id);
    });
    expect(ids).toEqual(Array.from({ length: rows }, (_, i) => `c${i}`));
  });
});
