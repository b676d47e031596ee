import { expect } from 'vitest';
import { planStage } from '../../../src/scheduler/stages/plan.ts';
import type { TestDatabase } from '../../support/database.ts';
import { scheduleAt, tenantIn, utc } from './support.ts';

/** Copies of one saved schedule, all due at 2026-05-02T08:00Z, so many for each tenant. */
export async function manySchedules(
  own: TestDatabase,
  tenants: number,
  each: number,
): Promise<void> {
  const first = await tenantIn(own, 'UTC', 'first');
  const schedule = await scheduleAt(own, first, '2026-05-01T12:00Z');
  await own.database.asOwner(async (tx) => {
    await tx.run(
      `insert into daybook.tenants (name, title) select 't' || n, 'T' from generate_series(2, $1) n`,
      [tenants],
    );
    await tx.run(
      `insert into daybook.tenant_zones (tenant_id, zone)
       select id, 'UTC' from daybook.tenants where name <> 'first'`,
    );
    await tx.run(
      `insert into daybook.schedules (tenant_id, name, owner, spec, zone, next_nominal, next_due)
       select t.id, 's' || n, s.owner, s.spec, s.zone, s.next_nominal, s.next_due
       from daybook.tenants t, generate_series(1, $1) n, daybook.schedules s
       where s.id = $2 and not (t.id = s.tenant_id and n = 1)`,
      [each, schedule.id],
    );
  });
}

/** So many planners at once: each schedule must have one row and be one day on. How many there were. */
export async function planAtOnce(own: TestDatabase, planners: number): Promise<number> {
  const summaries = await Promise.all(
    Array.from({ length: planners }, () =>
      planStage(utc('2026-05-02T08:00Z'), own, AbortSignal.timeout(60_000)),
    ),
  );
  const planned = summaries.reduce((sum, each) => sum + each.planned, 0);
  const [counted] = await own.database.asSystem((tx) =>
    tx.query(
      `select count(*)::int as rows, count(distinct schedule_id)::int as schedules, (
         select count(*)::int from daybook.schedules where next_nominal = '2026-05-03 08:00'
       ) as advanced from daybook.occurrences`,
    ),
  );
  expect(counted).toEqual({ rows: planned, schedules: planned, advanced: planned });
  return planned;
}
