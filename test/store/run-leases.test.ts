import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { claimRuns } from '../../src/store/run-leases.ts';
import { insertRun } from '../../src/store/runs.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

async function tenantWithRuns(name: string, count: number): Promise<string> {
  const { id } = await addTestTenant(test.database, { name, zone: 'UTC' });
  const raw = { report: 'calls', from: '2026-03-01', to: '2026-03-02' };
  const request = parseReportRequest(raw, { locale: 'en' });
  for (let i = 0; i < count; i++) {
    await test.database.asTenant(id, (tx) =>
      insertRun(tx, {
        tenantId: id,
        request,
        workClass: 'interactive',
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
