import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { USUAL_LIMITS } from '../../../src/store/mirror-guard.ts';
import { addSnapshotPart, requireSnapshot } from '../../../src/store/snapshots.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../../support/database.ts';
import { load } from '../support/load.ts';
import {
  type CallRow,
  callRow,
  commit,
  ndjson,
  sendSnapshot,
  stateOf,
} from './support/snapshots.ts';

let test: TestDatabase;
let tenants = 0;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const newTenant = () => addTestTenant(test.database, { name: `t${++tenants}`, zone: 'UTC' });
const loadAll = (tenant: TestTenant, rows: readonly object[]) =>
  rows.length === 0
    ? Promise.resolve(null)
    : load(test.database, tenant, ndjson(rows), { name: 'all.ndjson' });
const snapshotOf = (tenant: TestTenant, id: string) =>
  test.database.asTenant(tenant.id, (tx) =>
    requireSnapshot(tx, { tenantId: tenant.id, dataset: 'calls', id }),
  );
const ALL = { leave: { deletes: 'all', rejects: null } } as const;

const rowsOf = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => callRow(`c${from + i}`, (from + i) * 7));
const uniqueOf = (rows: readonly CallRow[]) => new Set(rows.map((row) => row.external_id)).size;

describe('a mirror', () => {
  it('of B after A equals a clean load of B, however its parts come and how often', async () => {
    const row = fc.record({
      id: fc.integer({ min: 0, max: 12 }),
      minute: fc.integer({ min: 0, max: 600 }),
      talk: fc.integer({ min: 0, max: 3 }),
    });
    const rows = fc
      .array(row, { maxLength: 25 })
      .map((all) =>
        all.map(({ id, minute, talk }) => callRow(`c${id}`, minute, { talk_seconds: talk })),
      );
    const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        rows,
        rows,
        sizes,
        fc.infiniteStream(fc.nat()),
        async (a, b, cuts, chance) => {
          const [mirrored, clean] = [await newTenant(), await newTenant()];
          await loadAll(mirrored, a);
          await loadAll(clean, b);
          const parts: { partNo: number; rows: CallRow[] }[] = [];
          for (let at = 0, i = 0; at < b.length; i++) {
            const size = Math.max(1, cuts[i % cuts.length]);
            parts.push({ partNo: i * 3, rows: b.slice(at, at + size) });
            at += size;
          }
          // Some come twice, and all in any order.
          const sent = [...parts, ...parts.filter(() => (chance.next().value ?? 0) % 3 === 0)]
            .map((part) => ({ part, key: chance.next().value ?? 0 }))
            .sort((one, other) => one.key - other.key)
            .map(({ part }) => part);
          const id = await sendSnapshot(test.database, mirrored, sent);
          const done = await commit(test.database, mirrored, id, uniqueOf(b), ALL);
          const after = await stateOf(test.database, mirrored);
          expect(after).toEqual(await stateOf(test.database, clean));
          expect(done.loaded + done.updated + done.unchanged).toBe(uniqueOf(b));
          expect(uniqueOf(a) + done.loaded - done.removed).toBe(uniqueOf(b));
        },
      ),
      { numRuns: 8 },
    );
  });

  it('bumps the version of each hour that lost a row, and of no other', async () => {
    const tenant = await newTenant();
    const rows = [callRow('a', 10), callRow('b', 70), callRow('c', 130)];
    await loadAll(tenant, rows);
    const versions = () =>
      test.database.asTenant(tenant.id, (tx) =>
        tx.query<{ hour: Date; version: string; n: number }>(
          'select hour, version::text, row_count::int as n from daybook.data_hours order by hour',
        ),
      );
    const before = await versions();
    const id = await sendSnapshot(test.database, tenant, [{ partNo: 0, rows: [rows[0], rows[2]] }]);
    const done = await commit(test.database, tenant, id, 2);
    expect(done).toMatchObject({ loaded: 0, updated: 0, unchanged: 2, removed: 1 });
    const after = await versions();
    expect(after.map(({ n }) => n)).toEqual([1, 0, 1]);
    expect(after.map(({ version }, i) => version !== before[i].version)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('of a prefix or of days deletes nothing beyond them', async () => {
    const tenant = await newTenant();
    const day = 1440;
    const rows = [callRow('x-1', 0), callRow('x-2', day), callRow('y-1', 0), callRow('y_2', day)];
    await loadAll(tenant, rows);
    const first = { start: Date.UTC(2024, 0, 1), end: Date.UTC(2024, 0, 2) };
    const ofX = await sendSnapshot(test.database, tenant, [{ partNo: 0, rows: [rows[0]] }], {
      window: null,
      prefix: 'x-',
    });
    expect(await commit(test.database, tenant, ofX, 1)).toMatchObject({ removed: 1 });
    const ofDay = await sendSnapshot(test.database, tenant, [{ partNo: 0, rows: [rows[0]] }], {
      window: first,
      prefix: null,
    });
    expect(await commit(test.database, tenant, ofDay, 1)).toMatchObject({ removed: 1 });
    const left = await stateOf(test.database, tenant);
    expect(left.rows.map((row) => JSON.parse(row).external_id)).toEqual(['x-1', 'y_2']);
  });

  it.each([
    ['a row of another day', callRow('x-9', 2000)],
    ['a row of another prefix', callRow('y-9', 0)],
  ])('with %s is held back', async (_, stray) => {
    const tenant = await newTenant();
    const scope = {
      window: { start: Date.UTC(2024, 0, 1), end: Date.UTC(2024, 0, 2) },
      prefix: 'x-',
    };
    const id = await sendSnapshot(
      test.database,
      tenant,
      [{ partNo: 0, rows: [callRow('x-1', 0), stray] }],
      scope,
    );
    await expect(commit(test.database, tenant, id, 2, ALL)).rejects.toThrow(
      '1 of its rows are outside its scope',
    );
    expect((await stateOf(test.database, tenant)).rows).toEqual([]);
  });

  it('that is short changes nothing, is kept, and is applied when the rest has come', async () => {
    const tenant = await newTenant();
    const rows = rowsOf(30);
    await loadAll(tenant, rows);
    const before = await stateOf(test.database, tenant);
    const sent = rows.map((row) => ({ ...row, talk_seconds: 9 }));
    const first = { partNo: 1, rows: sent.slice(0, 29) };
    const id = await sendSnapshot(test.database, tenant, [first]);
    const refused = commit(test.database, tenant, id, 30);
    await expect(refused).rejects.toMatchObject({ code: 'E_MIRROR_REFUSED' });
    await expect(refused).rejects.toThrow('it holds 29 different rows; 30 were stated');
    expect(await stateOf(test.database, tenant)).toEqual(before);
    expect(await snapshotOf(tenant, id)).toMatchObject({
      state: 'refused',
      rows: 29,
      refusal: 'it holds 29 different rows; 30 were stated',
    });
    await test.database.asTenant(tenant.id, (tx) =>
      addSnapshotPart(tx, tenant.id, id, {
        partNo: 0,
        bodySha256: Buffer.alloc(32),
        pieces: [gzipSync(ndjson(sent.slice(29)))],
        rows: 1,
      }),
    );
    const done = await commit(test.database, tenant, id, 30, {
      completeThrough: Date.UTC(2024, 1, 1),
    });
    expect(done).toMatchObject({
      updated: 30,
      removed: 0,
      complete_through: '2024-02-01T00:00:00.000Z',
    });
    expect(await commit(test.database, tenant, id, 30)).toEqual(done);
    expect(await snapshotOf(tenant, id)).toMatchObject({ state: 'committed', result: done });
  });

  it('that would delete too much waits for a person, who gives leave', async () => {
    const tenant = await newTenant();
    await loadAll(tenant, rowsOf(60));
    const before = await stateOf(test.database, tenant);
    const id = await sendSnapshot(test.database, tenant, [{ partNo: 0, rows: rowsOf(30) }]);
    await expect(commit(test.database, tenant, id, 30)).rejects.toThrow(
      'it would delete 30 of the 60 rows in its scope (50 %); at most 20 are (10 %, or 20 rows)',
    );
    const leave = { deletes: 29, rejects: null };
    await expect(commit(test.database, tenant, id, 30, { leave })).rejects.toThrow(
      'at most 29 were',
    );
    expect(await stateOf(test.database, tenant)).toEqual(before);
    const done = await commit(test.database, tenant, id, 30, {
      leave: { deletes: 30, rejects: null },
    });
    expect(done).toMatchObject({ removed: 30, unchanged: 30 });
  });

  it('keeps the row that a refused row names', async () => {
    const tenant = await newTenant();
    await loadAll(tenant, rowsOf(3));
    const rows = [callRow('c0', 0), { ...callRow('c1', 7), ended_at: 'soon' }, { talk_seconds: 1 }];
    const id = await sendSnapshot(test.database, tenant, [{ partNo: 0, rows }]);
    await expect(commit(test.database, tenant, id, 3)).rejects.toThrow(
      '2 of its rows were refused (the first: row 2: ended_at: got "soon"',
    );
    const done = await commit(test.database, tenant, id, 3, {
      leave: { deletes: null, rejects: 2 },
    });
    expect(done).toMatchObject({ unchanged: 1, removed: 1, rejected: 2 });
    const left = await stateOf(test.database, tenant);
    expect(left.rows.map((row) => JSON.parse(row).external_id)).toEqual(['c0', 'c1']);
  });

  it('of order lines tells rows apart by order and line', async () => {
    const tenant = await newTenant();
    const line = (order_id: string, line_no: number) => ({
      ...{ order_id, line_no, ordered_at: '2024-01-01T10:00:00Z' },
      ...{ sku: 'A', quantity: 1, unit_price: '2.50' },
    });
    const order = { dataset: 'order_lines', name: 'all.ndjson' } as const;
    await load(test.database, tenant, ndjson([line('o1', 1), line('o1', 2), line('o2', 1)]), order);
    const mirror = {
      scope: { window: null, prefix: null },
      limits: USUAL_LIMITS,
      leave: { deletes: null, rejects: null },
      stated: 2,
    };
    const sent = ndjson([line('o1', 2), line('o2', 1)]);
    const done = await load(test.database, tenant, sent, { ...order, mirror });
    expect(done).toMatchObject({ unchanged: 2, removed: 1 });
    await expect(
      load(test.database, tenant, sent, { ...order, mirror: { ...mirror, stated: 3 } }),
    ).rejects.toMatchObject({ code: 'E_MIRROR_REFUSED' });
  });
});
