import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import type { RowSource } from '../../../src/reports/ports.ts';
import { orderLine, readWindow } from '../support/source-contract.ts';
import type { Way } from './project.ts';
import { openShop, type Shop } from './shop.ts';

const DAY_MS = 86_400_000;
const dayOf = (date: string) => ({ start: Date.parse(date), end: Date.parse(date) + DAY_MS });
const SERVICE = { role: 'service_role' };

let shop: Shop;
let mine: RowSource;

beforeAll(async () => {
  shop = await openShop();
  mine = shop.open('mine');
});
afterEach(() => {
  shop.project.meddle = () => 'pass';
});
afterAll(() => shop?.close());

const read = (date: string, source = mine) => readWindow(source, 'mine', dayOf(date));
const failure = (date: string, source = mine) =>
  read(date, source).then(
    ({ rows }) => `success with ${rows.length} rows`,
    (error) => error,
  );

it('reads every row of any number of them, though the server gives 1000 at most and says nothing', async () => {
  const sizes = [0, 1, 999, 1000, 1001, 2000];
  for (const [index, size] of sizes.entries()) {
    const date = `2026-02-0${index + 1}`;
    await shop.insertMany(size, dayOf(date).start);
    const { rows, version } = await read(date);
    expect(rows.length).toBe(size);
    expect(version.rows).toBe(size);
    expect(new Set(rows.map((row) => row['line_no'])).size).toBe(size);
  }
});

it('never takes a page that lost its last row, or an empty one, for the end', async () => {
  await shop.insertMany(2500, dayOf('2026-02-11').start);
  for (const way of ['drop-last', 'empty'] as const) {
    shop.project.meddle = async ({ page, url }) =>
      page > 0 && url.searchParams.get('or')?.includes('"ref".gt') ? way : 'pass';
    const error = await failure('2026-02-11');
    expect(error, way).toBeInstanceOf(DaybookError);
  }
});

it('fails with a code when the connection is cut or the server is busy at any request: 0 of 40 are successes on a part', async () => {
  await shop.insertMany(3500, dayOf('2026-02-12').start);
  let asked = 0;
  for (let at = 0; at < 40; at++) {
    asked = 0;
    const bad = at % 8;
    shop.project.meddle = async () => (asked++ === bad ? (at % 2 ? 'cut' : 'fail') : 'pass');
    const source = await shop.openAs(SERVICE, shop.place('mine'));
    const found = await failure('2026-02-12', source);
    expect(found).toBeInstanceOf(DaybookError);
    expect((found as DaybookError).retryable).toBe(true);
  }
}, 60_000);

it('reads again when a row came meanwhile, and gives the new rows whole', async () => {
  const { start } = dayOf('2026-02-13');
  await shop.insertMany(1500, start);
  let added = false;
  shop.project.meddle = async ({ page }): Promise<Way> => {
    if (page > 0 && !added) {
      added = true;
      await shop.insert('mine', [orderLine({ order_id: 'late', ordered_at: start })]);
    }
    return 'pass';
  };
  const { rows, version } = await read('2026-02-13');
  expect(rows.length).toBe(1501);
  expect(version.rows).toBe(1501);
  expect(rows[0]['order_id']).toBe('late');
});

it('gives up with a retryable error when rows change each time', async () => {
  const { start } = dayOf('2026-02-14');
  let added = 0;
  await shop.insertMany(10, start);
  shop.project.meddle = async ({ page }): Promise<Way> => {
    if (page > 0) {
      const order_id = `again-${added++}`;
      await shop.insert('mine', [orderLine({ order_id, ordered_at: start })]);
    }
    return 'pass';
  };
  const error = await failure('2026-02-14');
  expect(error).toMatchObject({ code: 'E_UNAVAILABLE', retryable: true });
  expect(added).toBe(4);
});

it("shows a user's token the rows of his own company alone, without a predicate", async () => {
  const { start } = dayOf('2026-02-15');
  const at = (order_id: string) => orderLine({ order_id, ordered_at: start });
  await shop.insert('neighbour', [at('jwt-theirs')]);
  await shop.insert('mine', [at('jwt-ours')]);
  const user = { role: 'authenticated', company: 'mine' };
  const source = await shop.openAs(user, shop.place(null));
  const { rows, version } = await read('2026-02-15', source);
  expect(rows.map((row) => row['order_id'])).toEqual(['jwt-ours']);
  expect(version.rows).toBe(1);
});

it('takes no value of a predicate for a filter: 200 payloads show no row', async () => {
  const marks = ['mine"),company.neq.("x', 'mine,company.neq.x', 'not.is.null', '*', '%', '(mine)'];
  const payloads = [
    ...marks,
    ...['mine"', '"mine"', '\\"mine', 'mine\\', 'in.(mine,neighbour)', 'or=(a.eq.b)'],
    ...['{"$ne":null}', '=1', "mine' or '1'='1", 'mine&company=neq.x', 'mine#', 'mine?select=*'],
  ];
  const many = Array.from({ length: 200 }, (_, index) => {
    const payload = payloads[index % payloads.length];
    return index < payloads.length
      ? payload
      : `${payload}${payloads[(index * 7) % payloads.length]}`;
  });
  const { start } = dayOf('2026-02-15');
  let shown = 0;
  for (const [index, payload] of many.entries()) {
    const only =
      index % 2 === 0
        ? { column: 'company', equals: payload }
        : { column: 'company', startsWith: payload };
    const source = await shop.openAs(SERVICE, { ...shop.place(null), only });
    const [version] = await source.versions({
      ...{ tenantId: 'mine', dataset: 'order_lines', signal: AbortSignal.timeout(30_000) },
      windows: [{ start, end: start + DAY_MS }],
    });
    shown += version.rows;
  }
  expect(shown).toBe(0);
}, 60_000);

it('gives JSON as text, microseconds cut, and a prefix of letters its exact rows', async () => {
  const { start } = dayOf('2026-02-16');
  await shop.client.query(
    `insert into shop."Order Lines" (company, ref, "order", "a.b", placed, "__proto__", about, qty, price)
     values ('mine', 'x2', 'x2', 2, timestamptz 'epoch' + $1 * interval '1 ms' + interval '999 us', '=1+1', '{"=cmd": {"a": [1, 1.10]}}', 1, 1),
            ('mine', 'x1', 'x1', 1, timestamptz 'epoch' + $1 * interval '1 ms' + interval '1 us', '=1+1', '[]', 1, 1),
            ('Mine', 'x3', 'x3', 1, timestamptz 'epoch' + $1 * interval '1 ms', 's', null, 1, 1)`,
    [start],
  );
  const only = { column: 'company', startsWith: 'min' };
  const source = await shop.openAs(SERVICE, { ...shop.place(null), only });
  const { rows } = await read('2026-02-16', source);
  expect(rows.map((row) => [row['order_id'], row['ordered_at'], row['customer']])).toEqual([
    ['x1', start, '[]'],
    ['x2', start, '{"=cmd": {"a": [1, 1.10]}}'],
  ]);
});

it('says what is wrong: the token, the table, a column', async () => {
  const place = shop.place('mine');
  const check = async (of: Partial<typeof place>, claims: Record<string, string> = SERVICE) => {
    try {
      const source = await shop.openAs(claims, { ...place, ...of });
      return await source.check(AbortSignal.timeout(30_000));
    } catch (error) {
      return `${(error as DaybookError).code}: ${(error as Error).message}`;
    }
  };
  expect(await check({})).toMatchObject({ sample: expect.any(Number) });
  expect(await check({}, { role: 'nobody_there' })).toMatch(/^E_SOURCE/);
  expect(await check({ from: 'shop.nothing' })).toMatch(/^E_SOURCE: source: table/);
  expect(await check({ keyColumn: 'nothing' })).toMatch(/^E_SOURCE: source: column/);
  expect(await check({ from: '..' })).toMatch(/^E_SOURCE: source: table/);
}, 60_000);
