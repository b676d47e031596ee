import type { ErrorCode } from '../errors.ts';
import type { DatasetName } from '../reports/dataset.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { ScheduleSpec } from '../reports/schedule-spec.ts';
import type { Calendar } from '../time/calendar.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';
import { OCCURRENCE_MOVES, type OccurrenceState } from './occurrences.ts';

/** The statements with which the stage `process` begins occurrences. System transactions. */

export interface ClaimedOccurrence {
  readonly id: string;
  readonly tenantId: string;
  readonly scheduleId: string;
  readonly spec: ScheduleSpec;
  readonly owner: string;
  /** UTC epoch ms. */
  readonly dueAt: number;
  readonly period: Period;
  readonly state: 'planned' | 'held';
  readonly holdUntil: number | null;
  /** Of the tenant. */
  readonly calendar: Calendar;
}

const INSTANT = (parameter: string) =>
  `timestamptz 'epoch' + ${parameter}::float8 * interval '1 millisecond'`;

/**
 * Occurrences that are due, or held, and not looked at in this pass: of each tenant in turn, the
 * oldest first. They are not looked at again before `lookAgainAt`, so that several passes share them.
 */
export async function claimOccurrences(
  tx: Tx,
  of: { readonly now: number; readonly lookAgainAt: number; readonly limit: number },
): Promise<ClaimedOccurrence[]> {
  const open = `state in ('planned', 'held') and due_at <= ${INSTANT('$1')}
    and (look_at is null or look_at <= ${INSTANT('$1')})`;
  const chosen = await tx.query<{ id: string }>(
    `select id from (
       select id, due_at, row_number() over (partition by tenant_id order by due_at, id) as turn
       from daybook.occurrences where ${open}) as due
     order by turn, due_at, id limit $2`,
    [of.now, of.limit],
  );
  if (chosen.length === 0) return [];
  return tx.query(
    `with mine as materialized (
       select id from daybook.occurrences where id = any($2::uuid[]) and ${open}
       for update skip locked)
     update daybook.occurrences o set look_at = ${INSTANT('$3')}
     from mine where o.id = mine.id
     returning o.id, o.tenant_id as "tenantId", o.schedule_id as "scheduleId", o.spec, o.owner,
       floor(extract(epoch from o.due_at) * 1000)::float8 as "dueAt",
       json_build_object('from', to_char(o.period_from, 'YYYY-MM-DD'),
         'to', to_char(o.period_to, 'YYYY-MM-DD')) as period,
       o.state, floor(extract(epoch from o.hold_until) * 1000)::float8 as "holdUntil", (
         select json_agg(json_build_object(
           'from', to_char(z.valid_from, 'YYYY-MM-DD'), 'zone', z.zone) order by z.valid_from)
         from daybook.tenant_zones z where z.tenant_id = o.tenant_id) as calendar`,
    [of.now, chosen.map(({ id }) => id), of.lookAgainAt],
  );
}

/** The marks of some tenants, by tenant and dataset. */
export async function findMarks(
  tx: Tx,
  tenantIds: readonly string[],
): Promise<(tenantId: string, dataset: DatasetName) => number | null> {
  const rows = await tx.query<{ tenantId: string; dataset: string; ms: number }>(
    `select tenant_id as "tenantId", dataset,
       floor(extract(epoch from min(complete_through)) * 1000)::float8 as ms
     from daybook.completeness where tenant_id = any($1::uuid[]) group by tenant_id, dataset`,
    [[...new Set(tenantIds)]],
  );
  const marks = new Map(rows.map((row) => [`${row.tenantId}/${row.dataset}`, row.ms]));
  return (tenantId, dataset) => marks.get(`${tenantId}/${dataset}`) ?? null;
}

export interface NewScheduledRun {
  readonly tenantId: string;
  readonly occurrenceId: string;
  readonly variant: string;
  readonly report: string;
  readonly request: ReportRequest;
  readonly owner: string;
  readonly daysTotal: number;
  readonly incompleteDays: readonly string[];
}

/**
 * Queues runs of occurrences, the first of them as the oldest; those that are there already, and did
 * not fail, stay alone.
 */
export async function queueScheduledRuns(
  tx: Tx,
  runs: readonly NewScheduledRun[],
): Promise<number> {
  if (runs.length === 0) return 0;
  return tx.run(
    `insert into daybook.runs (tenant_id, occurrence_id, variant, report, request, work_class,
       requested_by, days_total, incomplete_days, created_at)
     select n."tenantId", n."occurrenceId", n."variant", n."report", n."request", 'scheduled',
       n."owner", n."daysTotal", n."incompleteDays", now() + n."place" * interval '1 microsecond'
     from jsonb_to_recordset($1::jsonb) as n ("tenantId" uuid, "occurrenceId" uuid, "variant" text,
       "report" text, "request" jsonb, "owner" text, "daysTotal" integer, "incompleteDays" text[],
       "place" integer)
     on conflict do nothing`,
    [JSON.stringify(runs.map((run, place) => ({ ...run, place })))],
  );
}

/** Scheduled runs that have not ended, of all tenants. */
export async function countOpenRuns(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ runs: number }>(
    `select count(*)::int as runs from daybook.runs
     where work_class = 'scheduled' and state in ('queued', 'running')`,
  );
  return row.runs;
}

export interface OccurrenceMove {
  readonly id: string;
  readonly to: OccurrenceState;
  readonly reason?: string | null;
  readonly errorCode?: ErrorCode | null;
  /** UTC epoch ms. */
  readonly holdUntil?: number | null;
  /** Not looked at before; UTC epoch ms. */
  readonly lookAt?: number | null;
  readonly incompleteDays?: readonly string[];
}

/**
 * Moves those that are in one of the states `from`; others stay as they are. What ends bears when.
 * @returns the ids of those that moved
 * @throws RangeError when none of those states may go where one is to go
 */
export async function moveOccurrences(
  tx: Tx,
  from: readonly OccurrenceState[],
  moves: readonly OccurrenceMove[],
): Promise<string[]> {
  if (moves.length === 0) return [];
  const mayGo = new Set([...from, ...from.flatMap((state) => OCCURRENCE_MOVES[state])]);
  const wrong = moves.find(({ to }) => !mayGo.has(to));
  if (wrong)
    throw new RangeError(`an occurrence that is ${from.join(' or ')} never is ${wrong.to}`);
  const rows = await tx.query<{ id: string }>(
    `update daybook.occurrences o set state = n."to", reason = n."reason",
       error_code = n."errorCode",
       hold_until = coalesce(${INSTANT('n."holdUntil"')}, o.hold_until),
       look_at = coalesce(${INSTANT('n."lookAt"')}, o.look_at),
       incomplete_days = coalesce(n."incompleteDays", o.incomplete_days),
       sealed_at = case when n."to" = 'sealed' then now() else o.sealed_at end,
       finished_at = case when n."to" in ('sent', 'skipped', 'missed', 'failed') then now() end
     from jsonb_to_recordset($1::jsonb) as n ("id" uuid, "to" text, "reason" text,
       "errorCode" text, "holdUntil" float8, "lookAt" float8,
       "incompleteDays" text[])
     where o.id = n."id" and o.state = any($2) returning o.id`,
    [JSON.stringify(moves), from],
  );
  return rows.map(({ id }) => id);
}
