import { createApiKey } from '../../../src/store/api-keys.ts';
import type { Database } from '../../../src/store/database.ts';
import { addSchedule } from '../../../src/store/save-schedule.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { localDateOf } from '../../../src/time/day.ts';
import { addTestTenant } from '../../support/database.ts';

/** Tenants with calls of their yesterday and daily schedules, each with a recipient of its own. */

export interface DailySchedule {
  readonly id: string;
  readonly tenantId: string;
  readonly token: string;
  readonly recipient: string;
}

/** A zone whose clocks show about noon: no due time of midnight comes by itself for hours. */
export function zoneAtNoon(now: number): string {
  const hour = new Date(now).getUTCHours();
  return `Etc/GMT${hour >= 12 ? '+' : '-'}${Math.abs(hour - 12)}`;
}

export async function addDailyTenants(
  database: Database,
  of: {
    readonly tenants: number;
    readonly each: number;
    /** Calls of each tenant's yesterday. */
    readonly calls: number;
    readonly now: number;
  },
): Promise<DailySchedule[]> {
  const zone = zoneAtNoon(of.now);
  const today = localDateOf(zone, of.now);
  const schedules: DailySchedule[] = [];
  for (let number = 0; number < of.tenants; number++) {
    const { id: tenantId } = await addTestTenant(database, { name: `daily-${number}`, zone });
    const tenant = await database.asSystem((tx) => requireTenant(tx, tenantId));
    const { token } = await database.asSystem((tx) =>
      createApiKey(tx, { tenantId, name: 'test', scopes: ['admin'], createdBy: 'operator:cli' }),
    );
    await database.asTenant(tenantId, async (tx) => {
      await tx.run(CALLS, [tenantId, of.calls, today, zone]);
      await tx.run(
        `insert into daybook.dataset_marks (tenant_id, dataset, complete_through)
         values ($1, 'calls', $2::timestamp at time zone $3)`,
        [tenantId, today, zone],
      );
      for (let n = 0; n < of.each; n++) {
        const recipient = `t${number}-s${n}@example.com`;
        const { id } = await addSchedule(
          tx,
          {
            ...{ name: `daily ${n}`, report: 'calls', format: n % 4 === 0 ? 'xlsx' : 'csv' },
            ...{ period: 'yesterday', every: 'day', at: '00:00' },
            recipients: [{ email: recipient }],
          },
          { tenant, owner: 'operator:cli', now: of.now },
        );
        schedules.push({ id, tenantId, token, recipient });
      }
    });
  }
  return schedules;
}

/** Sets schedules back to the due time that has just been: the planner has it before it. */
export async function makeDue(
  database: Database,
  schedules: readonly DailySchedule[],
): Promise<void> {
  await database.asOwner((tx) =>
    tx.run(
      `update daybook.schedules set
         next_nominal = to_char(next_nominal::timestamp - interval '1 day', 'YYYY-MM-DD HH24:MI'),
         next_due = next_due - interval '1 day'
       where id = any($1::uuid[])`,
      [schedules.map(({ id }) => id)],
    ),
  );
}

const CALLS = `
  insert into daybook.calls (tenant_id, external_id, started_at, ended_at, caller, queue, agent,
    disposition, wait_seconds, talk_seconds)
  select $1::uuid, 'c-' || lpad(i::text, 6, '0'), at, at + interval '2 minutes',
    '+1212555' || lpad((i * 37 % 10000)::text, 4, '0'), 'q' || i % 5, 'a' || i % 7, 'answered',
    i % 30, i * 13 % 600
  from generate_series(0, $2::int - 1) i,
    lateral (select $3::timestamp at time zone $4 - interval '1 day'
      + make_interval(secs => i * 86400 / $2::int) as at) t`;
