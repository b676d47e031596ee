import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_TENANT, ensureDemoTenant } from '../../src/demo/ensure-demo.ts';
import { authenticateApiKey, revokeApiKey } from '../../src/store/api-keys.ts';
import { verifyLedger } from '../../src/store/ledger-statement.ts';
import { findTenant } from '../../src/store/tenants.ts';
import { ratingRig } from '../scheduler/rating/support.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

const log = pino({ level: 'silent' });
/** 2026-11-03 20:30 in New York, already the 4th in UTC; the clocks changed on the 1st. */
const NOW = Date.parse('2026-11-04T01:30:00Z');
const DAY_MS = 86_400_000;

let test: TestDatabase;
let home: string;
beforeAll(async () => {
  test = await freshDatabase();
  home = join(mkdtempSync(join(tmpdir(), 'daybook-demo-')), 'home');
});
afterAll(async () => {
  await test.drop();
  rmSync(join(home, '..'), { recursive: true, force: true });
});

const ensure = (now: number) =>
  ensureDemoTenant({ database: test.database, now, log, home, historyDays: 12 });

async function inDemo<T extends object>(sql: string): Promise<T[]> {
  const tenant = await test.database.asSystem((tx) => findTenant(tx, DEMO_TENANT));
  return test.database.asTenant(tenant!.id, (tx) => tx.query<T>(sql));
}

const countsByDay = () =>
  inDemo<{ date: string; calls: number }>(
    `select to_char(started_at at time zone 'America/New_York', 'YYYY-MM-DD') as date,
       count(*)::int as calls from daybook.calls group by 1 order by 1`,
  );
const versions = () =>
  inDemo<{ dataset: string; hour: string; version: string }>(
    `select dataset, hour::text, version::text from daybook.data_hours order by 1, 2`,
  );

describe('ensureDemoTenant', () => {
  it('loads calls and order lines until yesterday of the zone, without a reject', async () => {
    const demo = await ensure(NOW);
    expect(demo).toMatchObject({
      tenantName: 'demo',
      zone: 'America/New_York',
      firstDate: '2026-10-04',
      lastDate: '2026-11-02',
    });
    const days = (await countsByDay()).map((day) => day.date);
    expect(days[0]).toBe('2026-10-22');
    expect(days).toHaveLength(12);
    expect(days.at(-1)).toBe('2026-11-02');
    expect(await inDemo('select 1 from daybook.rejects')).toEqual([]);
    expect(
      await inDemo(
        'select dataset, complete_through::text as through from daybook.dataset_marks order by 1',
      ),
    ).toEqual([
      { dataset: 'calls', through: '2026-11-03 05:00:00+00' },
      { dataset: 'order_lines', through: '2026-11-03 05:00:00+00' },
    ]);
  });

  it('has rates for its calls, so that none is without a charge, and they add up', async () => {
    const tenant = await test.database.asSystem((tx) => findTenant(tx, DEMO_TENANT));
    const rig = ratingRig(test.database, tenant!);
    const { calls, added, unrated } = await rig.pass();
    expect([calls > 1_000, added > 500, unrated]).toEqual([true, true, 0]);
    const problems = await test.database.asTenant(tenant!.id, (tx) => verifyLedger(tx, tenant!.id));
    expect(problems).toEqual([]);
    const sums = await inDemo<{ kind: string; n: number; least: string }>(
      `select plan as kind, count(*)::int as n, min(amount)::text as least from daybook.charges
       group by plan order by plan`,
    );
    expect(sums.map(({ kind }) => kind)).toEqual(['on-net', 'outbound', 'toll-free']);
  });

  it('changes nothing when it is called again', async () => {
    const before = await versions();
    await ensure(NOW + 3_600_000);
    expect(await versions()).toEqual(before);
    expect(await inDemo('select 1 from daybook.loads')).toHaveLength(2);
  });

  it('adds only the new day on the next one', async () => {
    const before = await countsByDay();
    const versionsBefore = await versions();
    await ensure(NOW + DAY_MS);
    const after = await countsByDay();
    expect(after.slice(0, -1)).toEqual(before);
    expect(after.at(-1)?.date).toBe('2026-11-03');
    expect(await versions()).toEqual(expect.arrayContaining(versionsBefore));
  });

  it('writes nothing when days are loaded again', async () => {
    const before = await versions();
    await inDemo(`update daybook.dataset_marks set complete_through = '2026-10-25T04:00:00Z'`);
    await ensure(NOW + DAY_MS);
    expect(await versions()).toEqual(before);
    const loads = await inDemo<{ loaded: string; updated: string }>(
      'select loaded::text, updated::text from daybook.loads order by finished_at desc limit 2',
    );
    expect(loads).toEqual([
      { loaded: '0', updated: '0' },
      { loaded: '0', updated: '0' },
    ]);
  });

  it('keeps one key in a file that only its owner reads, and makes another when it is revoked', async () => {
    const path = join(home, 'demo-key');
    const { keyToken } = await ensure(NOW);
    expect(readFileSync(path, 'utf8')).toBe(`${keyToken}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await ensure(NOW)).keyToken).toBe(keyToken);

    const authenticate = (token: string) =>
      test.database.asSystem((tx) => authenticateApiKey(tx, token));
    const known = await authenticate(keyToken);
    await test.database.asSystem((tx) => revokeApiKey(tx, known!.keyId));
    const fresh = (await ensure(NOW)).keyToken;
    expect(fresh).not.toBe(keyToken);
    expect(await authenticate(fresh)).toMatchObject({ scopes: ['admin'] });
    expect(readFileSync(path, 'utf8')).toBe(`${fresh}\n`);
  });
});
