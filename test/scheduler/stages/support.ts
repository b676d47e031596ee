import { addSchedule, type RawNamedSchedule } from '../../../src/store/save-schedule.ts';
import type { ScheduleRow } from '../../../src/store/schedules.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { addTestTenant, type TestDatabase, type TestTenant } from '../../support/database.ts';

export const utc = Date.parse;

export const DAILY: RawNamedSchedule = {
  report: 'calls',
  format: 'csv',
  period: 'yesterday',
  every: 'day',
  at: '08:00',
  recipients: [{ email: 'ana@example.com' }],
};

/** A schedule as it would have been saved at an instant. */
export async function scheduleAt(
  { database }: TestDatabase,
  tenant: TestTenant,
  instant: string,
  raw: Partial<Record<string, unknown>> = {},
): Promise<ScheduleRow> {
  const found = await database.asSystem((tx) => requireTenant(tx, tenant.id));
  return database.asTenant(tenant.id, (tx) =>
    addSchedule(
      tx,
      { ...DAILY, ...raw },
      { tenant: found, owner: 'operator:cli', now: utc(instant) },
    ),
  );
}

export function tenantIn(test: TestDatabase, zone: string, name = zone): Promise<TestTenant> {
  return addTestTenant(test.database, {
    name: name.toLowerCase().replace(/[^a-z0-9]/g, '-'),
    zone,
  });
}

export interface StoredOccurrence {
  readonly nominal: string;
  readonly state: string;
  readonly late: boolean;
  readonly reason: string | null;
  readonly digest: string | null;
  readonly version: number;
  readonly due: string;
}

export function occurrencesOf(
  { database }: TestDatabase,
  scheduleId: string,
): Promise<StoredOccurrence[]> {
  return database.asSystem((tx) =>
    tx.query<StoredOccurrence & Record<string, unknown>>(
      `select nominal, state, late, reason, digest_id as digest, schedule_version as version,
         to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') as due
       from daybook.occurrences where schedule_id = $1 order by nominal`,
      [scheduleId],
    ),
  );
}
