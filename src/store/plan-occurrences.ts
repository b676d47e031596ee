import type { ScheduleSpec } from '../reports/schedule-spec.ts';
import type { Calendar } from '../time/calendar.ts';
import type { Tx } from './database.ts';

/** The statements of the stage `plan`, for any number of schedules at once. System transactions. */

export interface ClaimedSchedule {
  readonly id: string;
  readonly tenantId: string;
  readonly spec: ScheduleSpec;
  readonly nextNominal: string;
  readonly catchingUp: string | null;
  /** Of the tenant. */
  readonly calendar: Calendar;
}

/**
 * Schedules that are due as of `now`, locked until the transaction ends: of each tenant in turn, the
 * longest due first. Those that others have locked are theirs.
 */
export async function claimDueSchedules(
  tx: Tx,
  now: number,
  limit: number,
): Promise<ClaimedSchedule[]> {
  const due = `state = 'active' and removed_at is null
    and next_due <= timestamptz 'epoch' + $1::float8 * interval '1 millisecond'`;
  const chosen = await tx.query<{ id: string }>(
    `select id from (
       select id, next_due,
         row_number() over (partition by tenant_id order by next_due, id) as turn
       from daybook.schedules where ${due}) as due
     order by turn, next_due, id limit $2`,
    [now, limit],
  );
  if (chosen.length === 0) return [];
  // A statement of its own: joined, a planner without statistics looks at all due ones for each.
  return tx.query(
    `select s.id, s.tenant_id as "tenantId", s.spec, s.next_nominal as "nextNominal",
       s.catching_up as "catchingUp", (
         select json_agg(json_build_object(
           'from', to_char(z.valid_from, 'YYYY-MM-DD'), 'zone', z.zone) order by z.valid_from)
         from daybook.tenant_zones z where z.tenant_id = s.tenant_id) as calendar
     from daybook.schedules s where s.id = any($2::uuid[]) and ${due}
     for update of s skip locked`,
    [now, chosen.map(({ id }) => id)],
  );
}

export interface NewOccurrence {
  readonly scheduleId: string;
  readonly nominal: string;
  readonly zone: string;
  /** UTC epoch ms. */
  readonly dueAt: number;
  readonly periodFrom: string;
  readonly periodTo: string;
  readonly late: boolean;
  readonly state: 'planned' | 'skipped' | 'missed';
  readonly reason: string | null;
  readonly digestId: string | null;
}

/** With the version that each schedule has now. One that is there already stays as it is. */
export async function insertOccurrences(
  tx: Tx,
  occurrences: readonly NewOccurrence[],
): Promise<{ readonly id: string; readonly scheduleId: string; readonly state: string }[]> {
  return tx.query(
    `insert into daybook.occurrences (tenant_id, schedule_id, schedule_version, spec, owner, zone,
       nominal, due_at, period_from, period_to, late, digest_id, state, reason, finished_at)
     select s.tenant_id, s.id, s.version, s.spec, s.owner, n."zone", n."nominal",
       timestamptz 'epoch' + n."dueAt" * interval '1 millisecond', n."periodFrom", n."periodTo",
       n."late", n."digestId", n."state", n."reason",
       case when n."state" <> 'planned' then now() end
     from jsonb_to_recordset($1::jsonb) as n ("scheduleId" uuid, "nominal" text, "zone" text,
       "dueAt" float8, "periodFrom" date, "periodTo" date, "late" boolean, "state" text,
       "reason" text, "digestId" uuid)
     join daybook.schedules s on s.id = n."scheduleId"
     on conflict (schedule_id, nominal) do nothing
     returning id, schedule_id as "scheduleId", state`,
    [JSON.stringify(occurrences)],
  );
}

export interface Advanced {
  readonly id: string;
  /** All three null: it never comes again. */
  readonly nominal: string | null;
  readonly zone: string | null;
  readonly instant: number | null;
  readonly catchingUp: string | null;
}

/** In the transaction that planned their occurrences. */
export async function advanceSchedules(tx: Tx, advanced: readonly Advanced[]): Promise<void> {
  await tx.run(
    `update daybook.schedules s set next_nominal = n."nominal", zone = coalesce(n."zone", s.zone),
       next_due = timestamptz 'epoch' + n."instant" * interval '1 millisecond',
       catching_up = n."catchingUp"
     from jsonb_to_recordset($1::jsonb) as n
       ("id" uuid, "nominal" text, "zone" text, "instant" float8, "catchingUp" uuid)
     where s.id = n."id"`,
    [JSON.stringify(advanced)],
  );
}
