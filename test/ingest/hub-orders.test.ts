import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flattened } from '../../src/ingest/flatten-json.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { docsMap, load, pieces } from './support/load.ts';

/** Orders as hubs send them: nested, with lines, by a map alone. */

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const ORDERS = [
  {
    id: 1001,
    state: 'PAID',
    placed: '05/03/2024 14:30',
    customer: { name: ' Ana ', address: { city: 'Recife', country: 'BR' } },
    seller: { name: 'bia' },
    lines: [
      { product: { sku: ' A-1 ' }, qty: 2, price: 10.1, tax: { rate: 1.25 } },
      { product: { sku: 'B-2' }, qty: 1, price: 12345678901234.568, off: 0.5 },
    ],
  },
  {
    id: 1002,
    state: 'REFUNDED',
    placed: '2024-03-06T10:00:00-03:00',
    currency: 'USD',
    customer: { name: 'Caio' },
    lines: [{ product: { sku: 'A-1' }, qty: -1, price: '10.10' }],
  },
  {
    id: 1003,
    state: 'WEIRD',
    placed: '2024-03-07',
    customer: {},
    lines: [{ product: {}, qty: 1 }],
  },
  { id: 1004, state: 'PAID', placed: '2024-03-07', customer: { name: 'Edu' }, lines: [] },
];
// Numbers as they stand in the file: no float has these digits.
const NDJSON = ORDERS.map((order) => JSON.stringify(order))
  .join('\n')
  .replace('12345678901234.568', '12345678901234.56789');

async function flat(text: string, names: readonly string[], withRest = false): Promise<unknown[]> {
  let out = '';
  for await (const piece of flattened(pieces(Buffer.from(text), 7), names, withRest)) out += piece;
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('orders of a hub', () => {
  it('become a row per line, by a map with paths, a table, defaults and several formats', async () => {
    const tenant = await addTestTenant(test.database, { name: 'hub', zone: 'America/Recife' });
    const result = await load(test.database, tenant, NDJSON, {
      dataset: 'order_lines',
      map: await docsMap('order-hub'),
      name: 'orders.ndjson',
    });
    expect(result).toMatchObject({ loaded: 3, rejected: 2 });
    const rows = await test.database.asTenant(tenant.id, (tx) =>
      tx.query(
        `select order_id, line_no::int as line, ordered_at, status, kind, customer, sku,
           quantity::text as quantity, unit_price::text as price, discount::text as discount,
           tax::text as tax, currency, region, salesperson
         from daybook.order_lines order by order_id, line_no`,
      ),
    );
    const first = {
      ...{ order_id: '1001', status: 'PAID', kind: 'sale', customer: 'Ana', currency: 'BRL' },
      ...{ ordered_at: new Date('2024-03-05T17:30:00Z'), region: 'BR', salesperson: 'bia' },
    };
    expect(rows).toEqual([
      { ...first, line: 1, sku: 'A-1', quantity: '2', price: '10.1', discount: null, tax: '1.25' },
      {
        ...{ ...first, line: 2, sku: 'B-2', quantity: '1', price: '12345678901234.56789' },
        ...{ discount: '0.5', tax: null },
      },
      {
        ...{ order_id: '1002', line: 1, ordered_at: new Date('2024-03-06T13:00:00Z') },
        ...{ status: 'REFUNDED', kind: 'credit', customer: 'Caio', sku: 'A-1', quantity: '-1' },
        ...{ price: '10.10', discount: null, tax: null, currency: 'USD', region: null },
        salesperson: 'online',
      },
    ]);
    const rejects = await test.database.asTenant(tenant.id, (tx) =>
      tx.query('select row_number::int as row, field, code from daybook.rejects order by 1'),
    );
    expect(rejects).toEqual([
      { row: 4, field: 'kind', code: 'match' },
      { row: 5, field: 'line_no', code: 'missing' },
    ]);
  });

  it('are made flat whatever their texts hold, however the bytes are cut', async () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('\ue000#12'));
    const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    const value = fc.oneof(text, number, fc.boolean(), fc.constant(null));
    const order = fc.record({
      a: fc.record({ b: value }, { requiredKeys: [] }),
      'x.y': value,
      top: value,
      list: fc.array(fc.record({ c: fc.record({ d: value }) }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(order, { maxLength: 5 }), async (orders) => {
        const lines = orders.map((each) => `${JSON.stringify(each)}\n`).join('');
        const names = ['a.b', 'x.y', 'list[].c.d', 'list[]'];
        const expected = orders.flatMap(({ a, top, list, ...rest }) =>
          (list.length === 0 ? [null] : list).map((element, i) => ({
            top,
            ...('b' in a ? { 'a.b': a.b } : {}),
            'x.y': rest['x.y'],
            ...(element === null ? {} : { 'list[].c.d': element.c.d, 'list[]': String(i + 1) }),
          })),
        );
        const plain = (rows: unknown[]) =>
          JSON.parse(
            JSON.stringify(rows).replaceAll('"\\ue000#12"', '12').replaceAll('"\ue000#12"', '12'),
          );
        expect(plain(await flat(lines, names, true))).toEqual(plain(expected));
      }),
      { numRuns: 60 },
    );
  });

  it('that are no objects, or inherit what is asked for, pass to be refused', async () => {
    expect(await flat('[1]\n{"a":1}\n"x"', ['a.b', 'constructor.name'])).toEqual([[1], {}, 'x']);
  });
});
