import { Writable } from 'node:stream';
import ExcelJS from 'exceljs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bare,
  harmless,
  rejectHeader,
  writeRejectsCsv,
  writeRejectsXlsx,
} from '../../src/ingest/reject-file.ts';
import { retryRejects } from '../../src/ingest/retry-rejects.ts';
import { storeLoads } from '../../src/store/loads.ts';
import { eachReject, rejectColumns } from '../../src/store/rejects.ts';
import { calendarOf } from '../../src/time/calendar.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { load, pieces } from './support/load.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const MAP = {
  zone: 'Europe/London',
  fields: {
    order_id: 'Invoice',
    line_no: { row_number: true },
    ordered_at: { column: 'When', format: 'dd/MM/yyyy HH:mm' },
    sku: 'Sku',
    description: 'What',
    quantity: 'Qty',
    unit_price: 'Price',
  },
};
const FILE = [
  'Invoice,When,Sku,What,Qty,Price',
  '1,01/02/2024 10:00,A,fine,1,2.50',
  '1,31/02/2024 10:00,B,"=SUM(A1,""x"")",1,2.50',
  "1,01/02/2024 10:00,C,'-quoted,one,2.50",
  '1,01/02/2024 10:00,D,short,1',
].join('\n');

async function exported(tenant: TestTenant, format: 'csv' | 'xlsx'): Promise<Buffer> {
  const written: Buffer[] = [];
  const out = new Writable({
    write(piece: Buffer, _encoding, done) {
      written.push(Buffer.from(piece));
      done();
    },
  });
  await test.database.asTenant(tenant.id, async (tx) => {
    const filter = { tenantId: tenant.id, state: 'open' as const };
    const { columns, widest } = await rejectColumns(tx, filter);
    const write = format === 'csv' ? writeRejectsCsv : writeRejectsXlsx;
    await write(rejectHeader(columns, widest), eachReject(tx, filter), out);
  });
  return Buffer.concat(written);
}

function retry(tenant: TestTenant, mended: { bytes: Buffer; name: string } | null, map?: unknown) {
  return retryRejects({
    tenant: { id: tenant.id, calendar: calendarOf('UTC') },
    requestedBy: 'test',
    mended: mended === null ? null : { bytes: pieces(mended.bytes), name: mended.name },
    map,
    rejectsOf: (ids) =>
      test.database.asTenant(tenant.id, async (tx) => {
        const filter = {
          tenantId: tenant.id,
          ...(ids === null ? { state: 'open' as const } : { ids }),
        };
        const found = [];
        for await (const reject of eachReject(tx, filter)) found.push(reject);
        return found;
      }),
    store: storeLoads(test.database),
    signal: new AbortController().signal,
  });
}

function statesOf(tenant: TestTenant) {
  return test.database.asTenant(tenant.id, async (tx) => ({
    rejects: (await tx.query('select state from daybook.rejects order by id')).map(
      (r) => r['state'],
    ),
    lines: await tx.query(
      'select line_no, sku, description, quantity from daybook.order_lines order by line_no',
    ),
  }));
}

async function withRejects(name: string): Promise<TestTenant> {
  const tenant = await addTestTenant(test.database, { name, zone: 'UTC' });
  const result = await load(test.database, tenant, FILE, { dataset: 'order_lines', map: MAP });
  expect(result).toMatchObject({ loaded: 1, rejected: 3 });
  return tenant;
}

describe('rejects', () => {
  it('that are mended in a CSV file load under their own row numbers and are settled', async () => {
    const tenant = await withRejects('csv');
    const text = (await exported(tenant, 'csv')).toString('utf8');
    expect(text.split('\r\n')[0]).toBe('reject_id,reason,Invoice,When,Sku,What,Qty,Price');
    expect(text).toContain(`"'=SUM(A1,""x"")"`);
    const mended = text.replaceAll('31/02/2024', '01/02/2024').replace(',one,', ',3,');
    const result = await retry(tenant, { bytes: Buffer.from(mended), name: 'fixed.csv' });
    expect(result).toMatchObject({
      loaded: 2,
      rejected: 1,
      still_rejected: [{ reason: expect.stringContaining('unit_price') }],
    });
    expect(await statesOf(tenant)).toEqual({
      rejects: ['resolved', 'resolved', 'open'],
      lines: [
        { line_no: '1', sku: 'A', description: 'fine', quantity: '1' },
        { line_no: '2', sku: 'B', description: '=SUM(A1,"x")', quantity: '1' },
        { line_no: '3', sku: 'C', description: "'-quoted", quantity: '3' },
      ],
    });
    await expect(retry(tenant, { bytes: Buffer.from(mended), name: 'fixed.csv' })).rejects.toThrow(
      /settled already/,
    );
    const whole = await load(test.database, tenant, FILE, { dataset: 'order_lines', map: MAP });
    expect(whole).toMatchObject({ loaded: 0, unchanged: 1, rejected: 3 });
    expect((await statesOf(tenant)).rejects).toEqual(['resolved', 'resolved', 'open']);
  });

  it('that are mended in a workbook load, typed dates and numbers included', async () => {
    const tenant = await withRejects('xlsx');
    const book = new ExcelJS.Workbook();
    await book.xlsx.load((await exported(tenant, 'xlsx')) as unknown as ArrayBuffer);
    const sheet = book.worksheets[0];
    expect(sheet.getCell('F2').value).toBe('=SUM(A1,"x")');
    const date = sheet.getCell('D2');
    date.value = new Date(Date.UTC(2024, 1, 1, 10, 30));
    date.style = { numFmt: 'dd/mm/yyyy hh:mm' };
    const quantity = sheet.getCell('G3');
    quantity.value = 12.5;
    quantity.style = { numFmt: 'General' };
    sheet.getCell('H4').value = '7';
    const bytes = Buffer.from(await book.xlsx.writeBuffer());
    expect(await retry(tenant, { bytes, name: 'fixed.xlsx' })).toMatchObject({
      loaded: 3,
      rejected: 0,
    });
    const { rejects, lines } = await statesOf(tenant);
    expect(rejects).toEqual(['resolved', 'resolved', 'resolved']);
    expect(lines[2]).toEqual({ line_no: '3', sku: 'C', description: "'-quoted", quantity: '12.5' });
    const [{ at }] = await test.database.asTenant(tenant.id, (tx) =>
      tx.query(
        `select to_char(ordered_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as at
         from daybook.order_lines where line_no = 2`,
      ),
    );
    expect(at).toBe('2024-02-01 10:30');
  });

  it('load as they came once another map fits them', async () => {
    const tenant = await withRejects('map');
    const map = {
      ...MAP,
      fields: {
        ...MAP.fields,
        quantity: {
          column: 'Qty',
          match: [
            ['^one$', 1],
            ['(.*)', '$1'],
          ],
        },
      },
    };
    expect(await retry(tenant, null, map)).toMatchObject({ loaded: 1, rejected: 2 });
  });

  it('of another tenant are not found', async () => {
    const [a, b] = [await withRejects('mine'), await withRejects('theirs')];
    const bytes = await exported(a, 'csv');
    await expect(retry(b, { bytes, name: 'fixed.csv' })).rejects.toThrow(/not one of this tenant/);
    await expect(retry(b, { bytes: Buffer.from('a,b\n1,2\n'), name: 'x.csv' })).rejects.toThrow(
      /no column reject_id/,
    );
  });

  it('come back from a file exactly as they went out, whatever a spreadsheet might run', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '@', '\t', '1', '.', 'a') }),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(bare(harmless(each))).toBe(each);
      }),
      { numRuns: 5000 },
    );
    expect(['-12.50', '+4930123456'].map(harmless)).toEqual(['-12.50', '+4930123456']);
    expect(harmless('=1+1')).toBe("'=1+1");
  });
});
