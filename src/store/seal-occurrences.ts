import type { ErrorCode } from '../errors.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { RecipientKind, ScheduleSpec } from '../reports/schedule-spec.ts';
import type { Tx } from './database.ts';
import type { DayKeys } from './report-files.ts';

/** The statements with which the stage `process` ends occurrences. System transactions. */

/** A run of an occurrence that has ended, with its file. */
export interface EndedRun {
  readonly id: string;
  readonly variant: string;
  /** The sealed file that it amends. */
  readonly amends: string | null;
  readonly request: ReportRequest;
  readonly state: 'done' | 'failed' | 'cancelled';
  readonly errorCode: ErrorCode | null;
  readonly errorMessage: string | null;
  /** Null: there is none, or it is sealed already. */
  readonly file: {
    readonly id: string;
    readonly name: string;
    readonly mediaType: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly rows: number;
    readonly revision: number;
    /** ISO 8601; null: no row ever. */
    readonly dataAsOf: string | null;
    readonly dayKeys: DayKeys;
    readonly expiresAt: string;
    /** UTC epoch ms. */
    readonly windowStart: number;
    readonly windowEnd: number;
  } | null;
}

export interface EndedOccurrence {
  readonly id: string;
  readonly tenantId: string;
  readonly spec: ScheduleSpec;
  readonly digestId: string | null;
  readonly incompleteDays: readonly string[];
  readonly holdUntil: number | null;
  /** The newest of each variant. */
  readonly runs: readonly EndedRun[];
}

const RUN = `json_build_object('id', r.id, 'variant', r.variant, 'amends', r.amends,
    'request', r.request, 'state', r.state, 'errorCode', r.error_code,
    'errorMessage', r.error_message, 'file', case when f.id is not null then json_build_object(
      'id', f.id, 'name', f.name, 'mediaType', f.media_type, 'bytes', f.bytes, 'sha256', f.sha256,
      'rows', f.row_count, 'revision', f.revision, 'dataAsOf', f.data_as_of,
      'dayKeys', coalesce(f.day_keys, '[]'), 'expiresAt', f.expires_at,
      'windowStart', f.document -> 'window' -> 'start',
      'windowEnd', f.document -> 'window' -> 'end') end)`;

const RUNS = `(
  select coalesce(json_agg(${RUN} order by r.created_at, r.id), '[]')
  from (
    select distinct on (n.variant) n.* from daybook.runs n
    where n.tenant_id = o.tenant_id and n.occurrence_id = o.id and n.amends is null
    order by n.variant, n.created_at desc) r
  left join daybook.files f on f.tenant_id = r.tenant_id and f.run_id = r.id)`;

/** Occurrences whose runs have all ended, locked until the transaction ends; the oldest first. */
export async function claimEnded(tx: Tx, limit: number): Promise<EndedOccurrence[]> {
  const chosen = await tx.query<{ id: string }>(
    // Not "not exists": while a thousand are made, what is known of them is from before they came, and
    // each would be looked up. This hashes those that are open, once, up to some 100,000.
    `select o.id from daybook.occurrences o
     where o.state = 'processing' and o.id not in (
       select r.occurrence_id from daybook.runs r
       where r.occurrence_id is not null and r.amends is null and r.state in ('queued', 'running'))
     order by o.due_at, o.id limit $1`,
    [limit],
  );
  if (chosen.length === 0) return [];
  // The lock first: what its runs are is read by a statement that began with it.
  const locked = await tx.query<{ id: string }>(
    `select id from daybook.occurrences where id = any($1::uuid[]) and state = 'processing'
     for update skip locked`,
    [chosen.map(({ id }) => id)],
  );
  return tx.query(
    `select o.id, o.tenant_id as "tenantId", o.spec, o.digest_id as "digestId",
       o.incomplete_days as "incompleteDays",
       floor(extract(epoch from o.hold_until) * 1000)::float8 as "holdUntil", ${RUNS} as runs
     from daybook.occurrences o where o.id = any($1::uuid[]) order by o.due_at, o.id`,
    [locked.map(({ id }) => id)],
  );
}

/** An amendment that is made and not sealed yet. */
export interface EndedAmendment {
  readonly id: string;
  readonly tenantId: string;
  /** Of the file that it amends. */
  readonly recipients: NewReportFile['recipients'];
  readonly run: EndedRun;
}

/** Locked until the transaction ends. `id` is the occurrence's. */
export async function claimAmendments(tx: Tx, limit: number): Promise<EndedAmendment[]> {
  const chosen = await tx.query<{ id: string }>(
    `select r.id from daybook.runs r
     where r.amends is not null and r.state = 'done' and not exists (
       select from daybook.report_files a where a.tenant_id = r.tenant_id and a.run_id = r.id)
     order by r.created_at, r.id limit $1 for update skip locked`,
    [limit],
  );
  return tx.query(
    `select r.occurrence_id as id, r.tenant_id as "tenantId", b.recipients, ${RUN} as run
     from daybook.runs r
     join daybook.report_files b on b.tenant_id = r.tenant_id and b.id = r.amends
     join daybook.files f on f.tenant_id = r.tenant_id and f.run_id = r.id
     where r.id = any($1::uuid[]) and not exists (
       select from daybook.report_files a where a.tenant_id = r.tenant_id and a.run_id = r.id)`,
    [chosen.map(({ id }) => id)],
  );
}

export interface NewReportFile {
  readonly id: string;
  readonly tenantId: string;
  readonly occurrenceId: string;
  readonly runId: string;
  readonly fileId: string;
  readonly request: ReportRequest;
  readonly variant: string;
  readonly subject: string;
  readonly recipients: readonly { readonly kind: RecipientKind; readonly recipient: string }[];
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly rowCount: number;
  readonly dataAsOf: string | null;
  readonly revision: number;
  readonly amendmentOf: string | null;
  readonly incompleteDays: readonly string[];
  readonly dayKeys: DayKeys;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly dataset: string;
  readonly retainedUntil: string;
}

export async function insertReportFiles(tx: Tx, files: readonly NewReportFile[]): Promise<void> {
  if (files.length === 0) return;
  await tx.run(
    `insert into daybook.report_files (id, tenant_id, occurrence_id, run_id, file_id, request,
       variant, subject, recipients, name, media_type, bytes, sha256, row_count, data_as_of,
       revision, amendment_of, incomplete_days, day_keys, window_start, window_end, dataset,
       retained_until)
     select n."id", n."tenantId", n."occurrenceId", n."runId", n."fileId", n."request",
       n."variant", n."subject", n."recipients", n."name", n."mediaType", n."bytes", n."sha256",
       n."rowCount", n."dataAsOf", n."revision", n."amendmentOf", n."incompleteDays", n."dayKeys",
       timestamptz 'epoch' + n."windowStart" * interval '1 millisecond',
       timestamptz 'epoch' + n."windowEnd" * interval '1 millisecond', n."dataset",
       n."retainedUntil"
     from jsonb_to_recordset($1::jsonb) as n ("id" uuid, "tenantId" uuid, "occurrenceId" uuid,
       "runId" uuid, "fileId" uuid, "request" jsonb, "variant" text, "subject" text,
       "recipients" jsonb, "name" text, "mediaType" text, "bytes" bigint, "sha256" text,
       "rowCount" bigint, "dataAsOf" timestamptz, "revision" integer, "amendmentOf" uuid,
       "incompleteDays" text[], "dayKeys" jsonb, "windowStart" float8, "windowEnd" float8,
       "dataset" text, "retainedUntil" timestamptz)`,
    [JSON.stringify(files)],
  );
}

export interface NewDelivery {
  readonly tenantId: string;
  readonly occurrenceId: string;
  readonly reportFileId: string;
  readonly kind: RecipientKind;
  readonly recipient: string;
  readonly purpose: 'report' | 'amendment' | 'digest';
  /** Of a digest, which waits until all of it is there. */
  readonly digestId: string | null;
}

/** One that is owed already is not owed again. */
export async function insertDeliveries(tx: Tx, owed: readonly NewDelivery[]): Promise<void> {
  if (owed.length === 0) return;
  await tx.run(
    `insert into daybook.deliveries (tenant_id, occurrence_id, report_file_id, recipient_kind,
       recipient, purpose, digest_id, not_before)
     select n."tenantId", n."occurrenceId", n."reportFileId", n."kind", n."recipient", n."purpose",
       n."digestId", case when n."digestId" is null then now() else 'infinity' end
     from jsonb_to_recordset($1::jsonb) as n ("tenantId" uuid, "occurrenceId" uuid,
       "reportFileId" uuid, "kind" text, "recipient" text, "purpose" text, "digestId" uuid)
     on conflict do nothing`,
    [JSON.stringify(owed)],
  );
}

/**
 * Digests of which nothing more is to come: no late occurrence of them is being made and their
 * schedule has caught up. What is held for its data is not waited for.
 */
export async function releaseDigests(tx: Tx): Promise<number> {
  return tx.run(
    `update daybook.deliveries d set not_before = now()
     where d.state = 'pending' and d.purpose = 'digest' and d.not_before = 'infinity'
       and not exists (
         select from daybook.occurrences o
         where o.tenant_id = d.tenant_id and o.digest_id = d.digest_id
           and o.state in ('planned', 'processing'))
       and not exists (
         select from daybook.schedules s
         where s.tenant_id = d.tenant_id and s.catching_up = d.digest_id)`,
  );
}

/**
 * Ends occurrences of which nothing is owed any more: `sent` when somebody got a file, or nobody was
 * to; `failed` when every delivery of a file did.
 */
export async function endSettledOccurrences(tx: Tx): Promise<number> {
  return tx.run(
    `update daybook.occurrences o set finished_at = now(),
       state = case when d.failed = d.owed and d.owed > 0 then 'failed' else 'sent' end,
       reason = case when d.failed = d.owed and d.owed > 0 then 'no recipient could be reached' end
     from daybook.occurrences e
     cross join lateral (
       select count(*) as owed, count(*) filter (where state = 'failed') as failed,
         count(*) filter (where state in ('pending', 'sending', 'in_doubt', 'held')) as open
       from daybook.deliveries
       where tenant_id = e.tenant_id and occurrence_id = e.id
         and purpose in ('report', 'digest')) d
     where e.state = 'sealed' and o.id = e.id and o.state = 'sealed' and d.open = 0`,
  );
}
