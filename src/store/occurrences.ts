import type { ErrorCode } from '../errors.ts';
import type { ScheduleSpec } from '../reports/schedule-spec.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';
import type { ScheduleRow } from './schedules.ts';

/** Occurrences: the due times of schedules, a row each. */

export type OccurrenceState =
  | 'planned'
  | 'held'
  | 'processing'
  | 'sealed'
  | 'sent'
  | 'skipped'
  | 'missed'
  | 'failed';

/**
 * Where each state may go. `sealed` means that its files stand and are owed; `sent`, that nothing of
 * it is owed any more. `planned`, `held` and `processing` go back and forth while data is awaited.
 */
export const OCCURRENCE_MOVES: Readonly<Record<OccurrenceState, readonly OccurrenceState[]>> = {
  planned: ['held', 'processing', 'skipped', 'failed'],
  held: ['processing', 'skipped', 'failed'],
  processing: ['held', 'sealed', 'skipped', 'failed'],
  sealed: ['sent', 'failed'],
  sent: [],
  skipped: [],
  missed: [],
  failed: [],
};

/** Times are UTC epoch ms. */
export interface OccurrenceRow {
  readonly id: string;
  readonly tenantId: string;
  readonly scheduleId: string;
  readonly scheduleName: string;
  readonly scheduleVersion: number;
  /** What it was planned with. */
  readonly spec: ScheduleSpec;
  /** The principal as whom it acts. */
  readonly owner: string;
  readonly zone: string;
  /** `YYYY-MM-DD HH:MM` by the clocks of the zone. */
  readonly nominal: string;
  readonly dueAt: number;
  readonly period: Period;
  readonly manual: boolean;
  readonly late: boolean;
  readonly digestId: string | null;
  readonly state: OccurrenceState;
  readonly reason: string | null;
  readonly errorCode: ErrorCode | null;
  readonly holdUntil: number | null;
  readonly incompleteDays: readonly string[];
  readonly createdAt: number;
  readonly sealedAt: number | null;
  readonly finishedAt: number | null;
}

/** The columns of an {@link OccurrenceRow}, of `occurrences o` and `schedules s`. */
export const OCCURRENCE_COLUMNS = `
  o.id, o.tenant_id as "tenantId", o.schedule_id as "scheduleId", s.name as "scheduleName",
  o.schedule_version as "scheduleVersion", o.spec, o.owner, o.zone, o.nominal,
  floor(extract(epoch from o.due_at) * 1000)::float8 as "dueAt",
  json_build_object('from', to_char(o.period_from, 'YYYY-MM-DD'),
    'to', to_char(o.period_to, 'YYYY-MM-DD')) as period,
  o.manual, o.late, o.digest_id as "digestId", o.state, o.reason, o.error_code as "errorCode",
  floor(extract(epoch from o.hold_until) * 1000)::float8 as "holdUntil",
  o.incomplete_days as "incompleteDays",
  floor(extract(epoch from o.created_at) * 1000)::float8 as "createdAt",
  floor(extract(epoch from o.sealed_at) * 1000)::float8 as "sealedAt",
  floor(extract(epoch from o.finished_at) * 1000)::float8 as "finishedAt"`;

/** Some occurrences by id, in no order. */
export async function findOccurrences(tx: Tx, ids: readonly string[]): Promise<OccurrenceRow[]> {
  return tx.query(
    `select ${OCCURRENCE_COLUMNS} from daybook.occurrences o
     join daybook.schedules s on s.tenant_id = o.tenant_id and s.id = o.schedule_id
     where o.id = any($1::uuid[])`,
    [ids],
  );
}

/** A place in a list of occurrences: due time in microseconds (as decimal text), then id. */
export interface OccurrencePlace {
  readonly micros: string;
  readonly id: string;
}

/** One page of a schedule's occurrences, the newest due time first. Tenant transaction. */
export async function listOccurrences(
  tx: Tx,
  scheduleId: string,
  page: {
    readonly limit: number;
    readonly after: OccurrencePlace | null;
    readonly state?: OccurrenceState | undefined;
  },
): Promise<{ occurrences: OccurrenceRow[]; next: OccurrencePlace | null }> {
  const rows = await tx.query<OccurrenceRow & { micros: string }>(
    `select ${OCCURRENCE_COLUMNS},
       (extract(epoch from o.due_at) * 1000000)::bigint::text as micros
     from daybook.occurrences o
     join daybook.schedules s on s.tenant_id = o.tenant_id and s.id = o.schedule_id
     where o.schedule_id = $1
       and ($3::bigint is null
         or o.due_at <= timestamptz 'epoch' + $3 * interval '1 microsecond'
         and (o.due_at < timestamptz 'epoch' + $3 * interval '1 microsecond' or o.id > $4::uuid))
       and ($5::text is null or o.state = $5)
     order by o.due_at desc, o.id limit $2`,
    [
      scheduleId,
      page.limit + 1,
      page.after?.micros ?? null,
      page.after?.id ?? null,
      page.state ?? null,
    ],
  );
  const occurrences = rows.slice(0, page.limit).map(({ micros: _, ...row }) => row);
  const last = rows.length > page.limit ? rows[page.limit - 1] : null;
  return { occurrences, next: last ? { micros: last.micros, id: last.id } : null };
}

/** An occurrence that a person asked for. Tenant transaction. */
export async function insertManualOccurrence(
  tx: Tx,
  of: {
    readonly schedule: ScheduleRow;
    readonly owner: string;
    readonly zone: string;
    /** To the millisecond. */
    readonly nominal: string;
    readonly dueAt: number;
    readonly period: Period;
  },
): Promise<string> {
  const { schedule, owner, zone, nominal, dueAt, period } = of;
  const [row] = await tx.query<{ id: string }>(
    `insert into daybook.occurrences (tenant_id, schedule_id, schedule_version, spec, owner, zone,
       nominal, due_at, period_from, period_to, manual)
     values ($1, $2, $3, $4, $5, $6, $7,
       timestamptz 'epoch' + $8::float8 * interval '1 millisecond', $9, $10, true)
     on conflict (schedule_id, nominal) do update set manual = true returning id`,
    [
      schedule.tenantId,
      schedule.id,
      schedule.version,
      JSON.stringify(schedule.spec),
      owner,
      zone,
      nominal,
      dueAt,
      period.from,
      period.to,
    ],
  );
  return row.id;
}
