import type { ErrorCode } from '../errors.ts';
import type { ScheduleSpec } from '../reports/schedule-spec.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';

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
