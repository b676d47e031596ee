import { DaybookError } from '../errors.ts';
import type { DatasetName } from '../reports/dataset.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { Tx } from './database.ts';
import type { DayKeys } from './report-files.ts';

/** Sealed files of which days changed since, and their amendments. */

export interface SealedDays {
  readonly id: string;
  readonly tenantId: string;
  readonly occurrenceId: string;
  readonly request: ReportRequest;
  readonly dataset: DatasetName;
  readonly dayKeys: DayKeys;
  /** Days that an earlier look found changed. */
  readonly changedDays: readonly string[] | null;
}

const COLUMNS = `
  r.id, r.tenant_id as "tenantId", r.occurrence_id as "occurrenceId", r.request, r.dataset,
  r.day_keys as "dayKeys", r.changed_days as "changedDays"`;

/**
 * Retained files that are the last word on their subject and have an hour that changed after `since`
 * (UTC epoch ms) and after they were sealed, by id from `after` on. System transaction.
 */
export async function listPerhapsChanged(
  tx: Tx,
  of: { readonly since: number; readonly after: string; readonly limit: number },
): Promise<SealedDays[]> {
  return tx.query(
    `select ${COLUMNS} from daybook.report_files r
     where r.id > $2::uuid and r.id in (
       select f.id from daybook.data_hours h
       join daybook.report_files f on f.tenant_id = h.tenant_id and f.dataset = h.dataset
         and f.window_start < h.hour + interval '1 hour' and f.window_end > h.hour
       where h.changed_at > timestamptz 'epoch' + $1::float8 * interval '1 millisecond'
         -- What was under way when it was sealed may have been stamped before.
         and h.changed_at > f.sealed_at - interval '1 hour'
         and f.removed_at is null and f.retained_until > now()
         and not exists (
           select from daybook.report_files a
           where a.tenant_id = f.tenant_id and a.amendment_of = f.id))
     order by r.id limit $3`,
    [of.since, of.after, of.limit],
  );
}

/**
 * Retained files that are the last word on their subject, whose rows stand in another's database, and
 * at which nobody looked for a quarter of an hour or a 24th of their age: the longest ago first. What
 * was sealed before its source or binding was saved as it is now cannot be compared, and is left out.
 * System transaction.
 */
export async function listBoundElsewhere(tx: Tx, limit: number): Promise<SealedDays[]> {
  return tx.query(
    `select ${COLUMNS} from daybook.report_files r
     where r.removed_at is null and r.retained_until > now()
       and coalesce(r.looked_at, r.sealed_at)
         < now() - greatest(interval '15 minutes', (now() - r.sealed_at) / 24)
       and exists (
         select from daybook.source_bindings b
         join daybook.sources s on s.id = b.source_id
         where b.tenant_id = r.tenant_id and b.dataset = r.dataset
           and b.created_at <= r.sealed_at and s.changed_at <= r.sealed_at
           -- Whatever zone its dates are of.
           and (b.from_date is null or r.window_end > b.from_date - interval '1 day')
           and (b.to_date is null or r.window_start < b.to_date + interval '2 days'))
       and not exists (
         select from daybook.report_files a
         where a.tenant_id = r.tenant_id and a.amendment_of = r.id)
     order by coalesce(r.looked_at, r.sealed_at), r.id limit $1`,
    [limit],
  );
}

/** That somebody looks now. Tenant transaction. */
export async function noteLooked(tx: Tx, id: string): Promise<void> {
  await tx.run('update daybook.report_files set looked_at = now() where id = $1::uuid', [id]);
}

/** One file, locked until the transaction ends; null for an unknown id. Tenant transaction. */
async function lockSealedDays(tx: Tx, id: string): Promise<SealedDays | null> {
  const [row] = await tx.query<SealedDays>(
    `select ${COLUMNS} from daybook.report_files r where r.id = $1::uuid for no key update`,
    [id],
  );
  return row ?? null;
}

/** What a look found. Tenant transaction. */
export async function noteChangedDays(
  tx: Tx,
  id: string,
  changedDays: readonly string[],
): Promise<void> {
  await tx.run(
    'update daybook.report_files set changed_days = $2, looked_at = now() where id = $1::uuid',
    [id, changedDays],
  );
}

/**
 * Queues the next revision of a file, once. Its id is the run's. Tenant transaction.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` when no day of it changed, as far as is known, or
 *   it is amended already
 */
export async function amendFile(tx: Tx, id: string, requestedBy: string): Promise<string> {
  const file = await lockSealedDays(tx, id);
  if (!file) throw new DaybookError('E_NOT_FOUND', { what: 'file', got: id });
  if (!file.changedDays?.length) {
    const reason = 'no day of it is known to have changed since it was sealed';
    throw new DaybookError('E_CONFLICT', { where: 'file', reason });
  }
  if (await hasAmendment(tx, id)) {
    const reason = 'it is amended already; amend the newest revision';
    throw new DaybookError('E_CONFLICT', { where: 'file', reason });
  }
  return queueAmendment(tx, { id, requestedBy, daysTotal: file.dayKeys.length });
}

/** Whether an amendment of a file is there or being made. Tenant transaction. */
async function hasAmendment(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.query(
    `select from daybook.report_files where amendment_of = $1::uuid
     union all
     select from daybook.runs where amends = $1::uuid and state not in ('failed', 'cancelled')
     limit 1`,
    [id],
  );
  return rows.length > 0;
}

/** Queues the run that amends a file, as that was asked for. Its id. Tenant transaction. */
async function queueAmendment(
  tx: Tx,
  of: { readonly id: string; readonly requestedBy: string; readonly daysTotal: number },
): Promise<string> {
  const [row] = await tx.query<{ id: string }>(
    `insert into daybook.runs (tenant_id, occurrence_id, variant, report, request, work_class,
       requested_by, days_total, amends)
     select tenant_id, occurrence_id, variant, request ->> 'report', request, 'scheduled', $2, $3, id
     from daybook.report_files where id = $1::uuid returning id`,
    [of.id, of.requestedBy, of.daysTotal],
  );
  return row.id;
}
