import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WorkClass } from '../../src/reports/day-task.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { shortenRunLeases } from '../../src/store/far-leases.ts';
import { claimRuns, endLeasesOf, renewLeases } from '../../src/store/run-leases.ts';
import { findRun, insertRun, moveRun } from '../../src/store/runs.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());
beforeEach(() => test.database.asSystem((tx) => tx.run('delete from daybook.tenants')));

async function tenantWithRuns(
  name: string,
  count: number,
  workClass: WorkClass = 'interactive',
): Promise<string> {
  const { id } = await addTestTenant(test.database, { name, zone: 'UTC' });
  const raw = { report: 'calls', from: '2026-03-01', to: '2026-03-02' };
  const request = parseReportRequest(raw, { locale: 'en' });
  for (let i = 0; i < count; i++) {
    await test.database.asTenant(id, (tx) =>
      insertRun(tx, {
        tenantId: id,
        request,
        workClass,
        requestedBy: 'test',
        daysTotal: 2,
      }),
    );
  }
  return id;
}

const claim = (holder: string, limit: number) =>
  test.database.asSystem((tx) => claimRuns(tx, { holder, limit, leaseSeconds: 30 }));

it('runs of a tenant that queued few are claimed before the many that another queued earlier', async () => {
  const large = await tenantWithRuns('large', 10);
  const small = await tenantWithRuns('small', 2);
  const first = await claim('one', 3);
  expect(first.map((run) => run.tenantId).sort()).toEqual([large, large, small].sort());
  // The large one has two under way already, the small one has one.
  expect((await claim('one', 1)).map((run) => run.tenantId)).toEqual([small]);
  const claims = await Promise.all(['two', 'three', 'four'].map((holder) => claim(holder, 8)));
  const rest = [...claims.flat(), ...(await claim('five', 8))].map((run) => run.id);
  expect(new Set(rest).size).toBe(8);
  expect(rest).toHaveLength(8);
});

it('runs that pre-cache have places of their own: they neither wait for others nor displace them', async () => {
  const id = await tenantWithRuns('mixed', 3);
  await test.database.asTenant(id, (tx) =>
    tx.run(
      `insert into daybook.runs (tenant_id, report, request, work_class, requested_by)
       select $1, 'calls', '{}', 'precache', 'test' from generate_series(1, 4)`,
      [id],
    ),
  );
  const claimed = (limit: number, precacheLimit?: number) =>
    test.database.asSystem(async (tx) => {
      const options = { holder: 'x', limit, precacheLimit, leaseSeconds: 30 };
      const runs = await claimRuns(tx, options);
      return runs.map(({ workClass }) => workClass).sort();
    });
  expect(await claimed(2, 1)).toEqual(['interactive', 'interactive', 'precache']);
  expect(await claimed(0, 2)).toEqual(['precache', 'precache']);
  expect(await claimed(8)).toEqual(['interactive']);
  expect(await claimed(8, 8)).toEqual(['precache']);
});

it('runs of a low class come after urgent ones, but not after those that were queued minutes later', async () => {
  const nightly = await tenantWithRuns('nightly', 1, 'scheduled');
  const urgent = await tenantWithRuns('urgent', 2);
  expect((await claim('one', 1)).map((run) => run.tenantId)).toEqual([urgent]);
  await test.database.asSystem((tx) =>
    tx.run(
      `update daybook.runs set created_at = created_at - interval '4 min' where tenant_id = $1`,
      [nightly],
    ),
  );
  expect((await claim('one', 1)).map((run) => run.tenantId)).toEqual([nightly]);
});

it('leases of dead holders end at once, those of others and of the own name stay', async () => {
  await tenantWithRuns('a', 3);
  for (const holder of ['p/1', 'p/2', 'q/1']) await claim(holder, 1);
  const ended = () =>
    test.database.asSystem((tx) => endLeasesOf(tx, { prefix: 'p/', butFor: 'p/2' }));
  expect([await ended(), await ended()]).toEqual([1, 0]);
  const [taken, ...more] = await claim('p/2', 3);
  expect(taken).toMatchObject({ attempts: 2, leaseToken: '2', setbacks: 0, setbackMs: null });
  expect(more).toEqual([]);
});

it('of dead holders whom somebody killed the attempts are no fault of their runs', async () => {
  await tenantWithRuns('a', 1);
  for (let kill = 1; kill <= 6; kill++) {
    const [run] = await claim(`p/${kill}`, 1);
    expect(run).toMatchObject({ attempts: kill, setbacks: kill - 1 });
    const dead = { prefix: 'p/', butFor: `p/${kill + 1}`, killed: true };
    expect(await test.database.asSystem((tx) => endLeasesOf(tx, dead))).toBe(1);
  }
});

describe('a run that is given back', () => {
  const error = { code: 'E_NO_SPACE' as const, message: 'the disk is full' };
  const secondsToPause = async (id: string) => {
    const [row] = await test.database.asSystem((tx) =>
      tx.query<{ seconds: number | null }>(
        `select round(extract(epoch from not_before - now()))::int as seconds
         from daybook.runs where id = $1`,
        [id],
      ),
    );
    return row.seconds;
  };
  const endPause = () =>
    test.database.asSystem((tx) => tx.run('update daybook.runs set not_before = now()'));

  it('for a failure says which, pauses twice as long each time up to half a minute', async () => {
    const tenantId = await tenantWithRuns('a', 1);
    const pauses: (number | null)[] = [];
    for (let setbacks = 0; setbacks < 7; setbacks++) {
      const [run] = await claim('one', 1);
      expect(run).toMatchObject({ attempts: setbacks + 1, setbacks });
      const { id, leaseToken } = run;
      expect(await test.database.asTenant(tenantId, (tx) => findRun(tx, id))).toMatchObject({
        state: 'running',
        errorCode: null,
      });
      const back = await test.database.asTenant(tenantId, (tx) =>
        moveRun(tx, { id, to: 'queued', leaseToken, error }),
      );
      expect(back).toMatchObject({ state: 'queued', errorCode: 'E_NO_SPACE' });
      pauses.push(await secondsToPause(id));
      expect(await claim('one', 1)).toEqual([]);
      await endPause();
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
    const [{ setbackMs }] = await claim('one', 1);
    expect(setbackMs).toBeGreaterThan(0);
  });

  it('because its runner goes is claimed at once, and has failed in nothing', async () => {
    const tenantId = await tenantWithRuns('a', 1);
    const [{ id, leaseToken }] = await claim('one', 1);
    await test.database.asTenant(tenantId, (tx) => moveRun(tx, { id, to: 'queued', leaseToken }));
    expect(await claim('two', 1)).toMatchObject([{ id, setbacks: 1, setbackMs: null }]);
  });
});

it('a tenant that queued many leaves places to a tenant that comes later, and to its own other class', async () => {
  const claimFew = () =>
    test.database.asSystem((tx) =>
      claimRuns(tx, { holder: 'few', limit: 32, leaseSeconds: 30, mostOfTenant: 4 }),
    );
  const many = await tenantWithRuns('many', 10);
  expect((await claimFew()).map((run) => run.tenantId)).toEqual(Array(4).fill(many));
  expect(await claimFew()).toEqual([]);
  const late = await tenantWithRuns('late', 1);
  const [{ id }] = await test.database.asTenant(many, (tx) =>
    tx.query<{ id: string }>(
      `update daybook.runs set work_class = 'scheduled'
       where id = (select id from daybook.runs where state = 'queued' limit 1) returning id`,
    ),
  );
  const claimed = await claimFew();
  expect(claimed.map((run) => run.tenantId).sort()).toEqual([many, late].sort());
  expect(claimed.find((run) => run.tenantId === many)).toMatchObject({
    id,
    workClass: 'scheduled',
  });
});

it('a run of a clock that was set back waits for one lease and no longer, and who lives keeps it', async () => {
  await tenantWithRuns('back', 2);
  const [dead, alive] = await claim('before', 2);
  const shorten = () => test.database.asSystem((tx) => shortenRunLeases(tx, 30));
  expect(await shorten()).toBe(0);
  const letPass = (interval: string) =>
    test.database.asSystem((tx) =>
      tx.run('update daybook.runs set lease_until = lease_until - $1::interval', [interval]),
    );
  // As if the clock had gone back by three hours.
  await letPass('-3 hours');
  expect(await shorten()).toBe(2);
  expect(await shorten()).toBe(0);
  expect(await claim('after', 2)).toEqual([]);
  const renewed = await test.database.asSystem((tx) => renewLeases(tx, [alive], 60));
  expect(renewed.map(({ id }) => id)).toEqual([alive.id]);
  await letPass('31 seconds');
  expect((await claim('after', 2)).map(({ id }) => id)).toEqual([dead.id]);
});
