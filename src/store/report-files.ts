import type { ReportDocument } from '../reports/document.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { RecipientKind } from '../reports/schedule-spec.ts';
import type { Tx } from './database.ts';
import type { RunCursor } from './runs.ts';

/** Sealed files: what was made for an occurrence, byte for byte, and for whom. */

/** Local date and key of the rows part that it was made of; an empty key: no row. */
export type DayKeys = readonly (readonly [date: string, key: string])[];

/** Times are UTC epoch ms. */
export interface ReportFileRow {
  readonly id: string;
  readonly tenantId: string;
  readonly occurrenceId: string;
  readonly runId: string;
  /** In the ledger of files, which knows where its bytes stand. */
  readonly fileId: string;
  /** The effective request that made it, the recipients' filter included. */
  readonly request: ReportRequest;
  /** Whose it is. */
  readonly recipients: readonly {
    readonly kind: RecipientKind;
    readonly recipient: string;
  }[];
  /** What it is called for people. */
  readonly name: string;
  readonly mediaType: string;
  /** Of the bytes as they go out. */
  readonly bytes: number;
  /** Of the same, hex. */
  readonly sha256: string;
  readonly rowCount: number;
  readonly dataAsOf: number | null;
  readonly revision: number;
  /** The sealed file that it amends. */
  readonly amendmentOf: string | null;
  /** Days that were not complete when it was made. */
  readonly incompleteDays: readonly string[];
  /** Days whose rows are others now, as of the last look; null: nobody looked yet. */
  readonly changedDays: readonly string[] | null;
  readonly sealedAt: number;
  readonly retainedUntil: number;
  readonly removedAt: number | null;
}

const COLUMNS = `
  id, tenant_id as "tenantId", occurrence_id as "occurrenceId", run_id as "runId",
  file_id as "fileId", request, recipients, name, media_type as "mediaType", bytes::float8 as bytes,
  sha256, row_count::float8 as "rowCount",
  floor(extract(epoch from data_as_of) * 1000)::float8 as "dataAsOf", revision,
  amendment_of as "amendmentOf", incomplete_days as "incompleteDays",
  changed_days as "changedDays",
  floor(extract(epoch from sealed_at) * 1000)::float8 as "sealedAt",
  floor(extract(epoch from retained_until) * 1000)::float8 as "retainedUntil",
  floor(extract(epoch from removed_at) * 1000)::float8 as "removedAt"`;

/** Null for an unknown id, which another tenant's is too. */
export async function findReportFile(tx: Tx, id: string): Promise<ReportFileRow | null> {
  const [row] = await tx.query<ReportFileRow>(
    `select ${COLUMNS} from daybook.report_files where id = $1::uuid`,
    [id],
  );
  return row ?? null;
}

/** One page, newest first. Tenant transaction. */
export async function listReportFiles(
  tx: Tx,
  page: {
    readonly limit: number;
    readonly after: RunCursor | null;
    readonly occurrence?: string | undefined;
    /** Only those of which a day changed since they were sealed. */
    readonly changed?: boolean;
  },
): Promise<{ files: ReportFileRow[]; next: RunCursor | null }> {
  const rows = await tx.query<ReportFileRow & { micros: string }>(
    `select ${COLUMNS}, (extract(epoch from sealed_at) * 1000000)::bigint::text as micros
     from daybook.report_files
     where ($2::bigint is null
         or sealed_at <= timestamptz 'epoch' + $2 * interval '1 microsecond'
         and (sealed_at < timestamptz 'epoch' + $2 * interval '1 microsecond' or id > $3::uuid))
       and ($4::uuid is null or occurrence_id = $4)
       and ($5 = false or cardinality(changed_days) > 0)
     order by sealed_at desc, id limit $1`,
    [
      page.limit + 1,
      page.after?.createdAtMicros ?? null,
      page.after?.id ?? null,
      page.occurrence ?? null,
      page.changed ?? false,
    ],
  );
  const files = rows.slice(0, page.limit).map(({ micros: _, ...row }) => row);
  const last = rows.length > page.limit ? rows[page.limit - 1] : null;
  return { files, next: last ? { createdAtMicros: last.micros, id: last.id } : null };
}

/** What was sealed last of a subject; null: nothing was. Tenant transaction. */
export async function findLatestSealed(
  tx: Tx,
  subject: string,
): Promise<{ readonly revision: number; readonly dayKeys: DayKeys } | null> {
  const [row] = await tx.query<{ revision: number; dayKeys: DayKeys }>(
    `select revision, day_keys as "dayKeys" from daybook.report_files
     where subject = $1 order by revision desc, sealed_at desc limit 1`,
    [subject],
  );
  return row ?? null;
}

/** The file that an amendment amends; null for an unknown id. Tenant transaction. */
export async function findAmended(
  tx: Tx,
  id: string,
): Promise<{
  readonly revision: number;
  readonly dayKeys: DayKeys;
  readonly document: ReportDocument;
} | null> {
  const [row] = await tx.query<{
    revision: number;
    dayKeys: DayKeys;
    document: ReportDocument;
  }>(
    `select r.revision, r.day_keys as "dayKeys", f.document from daybook.report_files r
     join daybook.files f on f.tenant_id = r.tenant_id and f.id = r.file_id
     where r.id = $1::uuid`,
    [id],
  );
  return row ?? null;
}
