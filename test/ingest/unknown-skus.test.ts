import { Writable } from 'node:stream';
import ExcelJS from 'exceljs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownSkus, readKnownSkus } from '../../src/ingest/known-skus.ts';
import { rejectHeader, writeRejectsXlsx } from '../../src/ingest/reject-file.ts';
import { retryRejects } from '../../src/ingest/retry-rejects.ts';
import { changeDatasetSettings } from '../../src/store/dataset-settings.ts';
import { storeLoads } from '../../src/store/loads.ts';
import { putProduct } from '../../src/store/products.ts';
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
let tenants = 0;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const HEADER = 'order_id,line_no,ordered_at,sku,quantity,unit_price,note\n';
const line = (no: number, sku: string, note = '') =>
  `o,${no},2024-01-01T10:00:00Z,${sku},1,2.50,${note}\n`;
const FILE = `${HEADER}${line(1, 'MUG-RED')}${line(2, 'mug red')}${line(3, 'MUG-BLEU')}${line(4, 'VOUCHER', '=1+1')}`;

async function shop(isStrict = true): Promise<TestTenant> {
  const tenant = await addTestTenant(test.database, { name: `shop${++tenants}`, zone: 'UTC' });
  await test.database.asTenant(tenant.id, async (tx) => {
    for (const sku of ['MUG-RED', 'MUG-BLUE', 'LAMP-01']) {
      await putProduct(tx, tenant.id, {
        ...{ sku, title: sku, listPrice: '1', currency: 'EUR', licensed: false },
        ...{ licenceDays: null, active: true, changedBy: 'test' },
      });
    }
    const change = { tenantId: tenant.id, dataset: 'order_lines', by: 'test' };
    await changeDatasetSettings(tx, { ...change, knownSkus: isStrict });
  });
  return tenant;
}

const known = (tenant: TestTenant) =>
  test.database.asTenant(tenant.id, (tx) => readKnownSkus(tx, tenant.id, 'order_lines'));
const loadFile = async (tenant: TestTenant, file = FILE) =>
  load(test.database, tenant, file, { dataset: 'order_lines', knownSkus: await known(tenant) });
const skusOf = (tenant: TestTenant) =>
  test.database.asTenant(tenant.id, async (tx) =>
    (
      await tx.query<{ line: string }>(
        `select line_no || ' ' || sku as line from daybook.order_lines order by line_no`,
      )
    ).map((row) => row.line),
  );
const openRejects = (tenant: TestTenant, ids: readonly string[] | null = null) =>
  test.database.asTenant(tenant.id, async (tx) => {
    const filter = { tenantId: tenant.id, ...(ids ? { ids } : { state: 'open' as const }) };
    const found = [];
    for await (const reject of eachReject(tx, filter)) found.push(reject);
    return found;
  });

function retry(tenant: TestTenant, acceptSuggestions: boolean, file: Buffer | null = null) {
  return retryRejects({
    tenant: { id: tenant.id, calendar: calendarOf('UTC') },
    requestedBy: 'test',
    mended: file && { bytes: pieces(file), name: 'mended.xlsx' },
    map: undefined,
    rejectsOf: (ids) => openRejects(tenant, ids),
    acceptSuggestions,
    knownSkusOf: () => known(tenant),
    store: storeLoads(test.database),
    signal: new AbortController().signal,
  });
}

async function workbookOf(tenant: TestTenant): Promise<ExcelJS.Workbook> {
  const written: Buffer[] = [];
  const out = new Writable({
    write(piece: Buffer, _encoding, done) {
      written.push(Buffer.from(piece));
      done();
    },
  });
  await test.database.asTenant(tenant.id, async (tx) => {
    const filter = { tenantId: tenant.id, state: 'open' as const };
    const { columns, widest, hasSuggestions } = await rejectColumns(tx, filter);
    const header = rejectHeader(columns, widest, hasSuggestions);
    await writeRejectsXlsx(header, eachReject(tx, filter), out);
  });
  const book = new ExcelJS.Workbook();
  await book.xlsx.load(Buffer.concat(written) as unknown as ArrayBuffer);
  return book;
}

describe('a sku that is no product', () => {
  it.each([
    ['mug-red', 'MUG-RED'],
    ['MUG RED', 'MUG-RED'],
    ['mugred', 'MUG-RED'],
    ['0MUG-RED', 'MUG-RED'],
    ['MUG-BLEU', 'MUG-BLUE'],
    ['LAMP01', 'LAMP-01'],
    ['LAMP-1', 'LAMP-01'],
    ['VOUCHER', null],
    ['', null],
  ])('%j was meant as %j', (got, meant) => {
    expect(knownSkus(['MUG-RED', 'MUG-BLUE', 'LAMP-01']).suggest(got)).toBe(meant);
  });

  it('is refused with what was probably meant, where the tenant wants that', async () => {
    const tenant = await shop();
    expect(await loadFile(tenant)).toMatchObject({
      loaded: 1,
      rejected: 3,
      first_reject: 'row 2: sku: got "mug red", which is no product; did you mean "MUG-RED"?',
    });
    expect(await openRejects(tenant)).toMatchObject([
      { rowNumber: 2, code: 'unknown_sku', field: 'sku', suggestion: 'MUG-RED' },
      { rowNumber: 3, code: 'unknown_sku', field: 'sku', suggestion: 'MUG-BLUE' },
      { rowNumber: 4, code: 'unknown_sku', field: 'sku', suggestion: null },
    ]);
    const free = await shop(false);
    expect(await loadFile(free)).toMatchObject({ loaded: 4, rejected: 0 });
  });

  it('is what was meant when that is accepted; the others stay refused', async () => {
    const tenant = await shop();
    await loadFile(tenant);
    expect(await retry(tenant, false)).toMatchObject({ loaded: 0, rejected: 3 });
    expect(await retry(tenant, true)).toMatchObject({ loaded: 2, rejected: 1 });
    expect(await skusOf(tenant)).toEqual(['1 MUG-RED', '2 MUG-RED', '3 MUG-BLUE']);
  });

  it('comes in a workbook with its suggestion, and back from one with other sheets, fewer and moved columns', async () => {
    const tenant = await shop();
    await loadFile(tenant);
    const book = await workbookOf(tenant);
    const sheet = book.worksheets[0];
    const cells = (row: number) => (sheet.getRow(row).values as unknown[]).slice(1);
    const raw = HEADER.trim().split(',');
    expect(cells(1)).toEqual(['reject_id', 'reason', 'suggestion', ...raw]);
    expect(cells(2).slice(2)).toEqual([
      ...['MUG-RED', 'o', '2', '2024-01-01T10:00:00Z', 'mug red', '1', '2.50'],
    ]);
    const formula = sheet.getRow(4).getCell(10);
    expect([formula.type, formula.value]).toEqual([ExcelJS.ValueType.String, '=1+1']);

    // A person makes it another sheet's second table, drops the reason and the note, and writes one sku.
    const mended = new ExcelJS.Workbook();
    const table = mended.addWorksheet('Rejects');
    mended.addWorksheet('Notes').addRow(['reject_id', 'nothing to see here']);
    const order = [
      'sku',
      'unit_price',
      'quantity',
      'reject_id',
      'ordered_at',
      'line_no',
      'order_id',
    ];
    table.addRow(order);
    for (let i = 2; i <= 4; i++) {
      const row = order.map((name) => sheet.getRow(i).getCell(cells(1).indexOf(name) + 1).value);
      table.addRow(i === 4 ? ['LAMP-01', ...row.slice(1)] : row);
    }
    const bytes = Buffer.from((await mended.xlsx.writeBuffer()) as ArrayBuffer);
    expect(await retry(tenant, true, bytes)).toMatchObject({ loaded: 3, rejected: 0 });
    expect(await skusOf(tenant)).toEqual([
      ...['1 MUG-RED', '2 MUG-RED', '3 MUG-BLUE', '4 LAMP-01'],
    ]);
    expect(await openRejects(tenant)).toEqual([]);
  });
});
