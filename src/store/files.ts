import type { ReportDocument } from '../reports/document.ts';
import type { Format } from '../reports/request.ts';
import type { Coding, FileBlock } from '../reports/stored-form.ts';
import type { Tx } from './database.ts';
import type { DayKeys } from './report-files.ts';

/** The ledger of finished files. A file is served by its id here, never by a path that came in. */

/** Times are UTC epoch ms. */
export interface FileRow {
  readonly id: string;
  readonly tenantId: string;
  readonly runId: string;
  /** What a download is called. */
  readonly name: string;
  readonly format: Format;
  readonly mediaType: string;
  /** Relative to the home folder. */
  readonly path: string;
  /** Of the file as people get it, whatever its coding on disk. */
  readonly bytes: number;
  /** Of the same, hex. Null: nobody has read it through yet. */
  readonly sha256: string | null;
  /** How it stands on disk. */
  readonly coding: Coding;
  readonly storedBytes: number;
  readonly rowCount: number;
  readonly document: ReportDocument;
  readonly dataAsOf: number | null;
  readonly revision: number;
  readonly createdAt: number;
  /** Null: kept until someone removes it. */
  readonly expiresAt: number | null;
  readonly removedAt: number | null;
}

export interface NewFile extends Omit<FileRow, 'createdAt' | 'removedAt'> {
  readonly blocks: readonly FileBlock[];
  /** What its days were made of; null or absent: it is not to be sealed. */
  readonly dayKeys?: DayKeys | null;
}

const FILE_COLUMNS = `
  id, tenant_id as "tenantId", run_id as "runId", name, format, media_type as "mediaType", path,
  bytes::float8 as bytes, sha256, coding, coalesce(stored_bytes, bytes)::float8 as "storedBytes",
  row_count::float8 as "rowCount", document,
  floor(extract(epoch from data_as_of) * 1000)::float8 as "dataAsOf", revision,
  floor(extract(epoch from created_at) * 1000)::float8 as "createdAt",
  floor(extract(epoch from expires_at) * 1000)::float8 as "expiresAt",
  floor(extract(epoch from removed_at) * 1000)::float8 as "removedAt"`;

/** Enters a file that stands whole on disk. Its run must be the tenant's own. */
export async function insertFile(tx: Tx, file: NewFile): Promise<FileRow> {
  const [row] = await tx.query<FileRow>(
    `insert into daybook.files (id, tenant_id, run_id, name, format, media_type, path, bytes,
       coding, stored_bytes, blocks, row_count, document, data_as_of, revision, expires_at,
       day_keys, sha256)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
       timestamptz 'epoch' + $14::float8 * interval '1 millisecond', $15,
       timestamptz 'epoch' + $16::float8 * interval '1 millisecond', $17, $18)
     returning ${FILE_COLUMNS}`,
    [
      file.id,
      file.tenantId,
      file.runId,
      file.name,
      file.format,
      file.mediaType,
      file.path,
      file.bytes,
      file.coding,
      file.storedBytes,
      JSON.stringify(file.blocks.map(({ bytes, rawBytes, crc32 }) => [bytes, rawBytes, crc32])),
      file.rowCount,
      JSON.stringify(file.document),
      file.dataAsOf,
      file.revision,
      file.expiresAt,
      file.dayKeys ? JSON.stringify(file.dayKeys) : null,
      file.sha256,
    ],
  );
  return row;
}

/** The newest file of a run; null when it made none, or the run is another tenant's. */
export async function findFileOfRun(tx: Tx, runId: string): Promise<FileRow | null> {
  const [row] = await tx.query<FileRow>(
    `select ${FILE_COLUMNS} from daybook.files where run_id = $1::uuid
     order by created_at desc, id limit 1`,
    [runId],
  );
  return row ?? null;
}

/** Files that nobody has read through yet, oldest first. In a system transaction. */
export async function findUnhashedFiles(tx: Tx, limit: number): Promise<FileRow[]> {
  return tx.query<FileRow>(
    `select ${FILE_COLUMNS} from daybook.files where sha256 is null and removed_at is null
     order by created_at limit $1`,
    [limit],
  );
}

/** @param sha256 hex, of the file as people get it; what was entered before stays */
export async function enterHash(tx: Tx, id: string, sha256: string): Promise<void> {
  await tx.run('update daybook.files set sha256 = $2 where id = $1::uuid and sha256 is null', [
    id,
    sha256,
  ]);
}

/** Null for an unknown id, which another tenant's is too. */
export async function findFile(tx: Tx, id: string): Promise<FileRow | null> {
  const [row] = await tx.query<FileRow>(
    `select ${FILE_COLUMNS} from daybook.files where id = $1::uuid`,
    [id],
  );
  return row ?? null;
}

/** Null: the file is from before blocks were entered. */
export async function findBlocksOfFile(tx: Tx, id: string): Promise<FileBlock[] | null> {
  const [row] = await tx.query<{ blocks: [number, number, number][] | null }>(
    'select blocks from daybook.files where id = $1::uuid',
    [id],
  );
  return row?.blocks?.map(([bytes, rawBytes, crc32]) => ({ bytes, rawBytes, crc32 })) ?? null;
}

/** The newest file of each of several runs, by run id. */
export async function findFilesOfRuns(
  tx: Tx,
  runIds: readonly string[],
): Promise<Map<string, FileRow>> {
  const rows = await tx.query<FileRow>(
    `select distinct on (run_id) ${FILE_COLUMNS} from daybook.files
     where run_id = any($1::uuid[]) order by run_id, created_at desc, id`,
    [runIds],
  );
  return new Map(rows.map((row) => [row.runId, row]));
}

/**
 * Files whose time has come and that nobody is still owed, by id from `after` on, locked: nobody
 * keeps one longer meanwhile. In a system transaction.
 */
export async function claimExpiredFiles(
  tx: Tx,
  page: { readonly now: number; readonly after: string; readonly limit: number },
): Promise<{ id: string; path: string }[]> {
  return tx.query(
    `select id, path from daybook.files
     where removed_at is null and expires_at <= $1 and id > $2::uuid
       and not exists (
         select from daybook.report_files r
         join daybook.deliveries d on d.tenant_id = r.tenant_id and d.report_file_id = r.id
         where r.tenant_id = files.tenant_id and r.file_id = files.id
           and d.state in ('pending', 'sending', 'in_doubt', 'held'))
     order by id limit $3 for update skip locked`,
    [new Date(page.now).toISOString(), page.after, page.limit],
  );
}

/**
 * Those of some places that the ledger has and that were not removed, or that hold what a carrier
 * sent. In a system transaction.
 */
export async function knownFilePaths(
  tx: Tx,
  places: readonly { readonly tenantId: string; readonly path: string }[],
): Promise<Set<string>> {
  const rows = await tx.query<{ path: string }>(
    `select f.path from unnest($1::uuid[], $2::text[]) as asked (tenant_id, path)
     join daybook.files f using (tenant_id, path) where f.removed_at is null
     union all
     select c.path from unnest($1::uuid[], $2::text[]) as asked (tenant_id, path)
     join daybook.carrier_files c using (tenant_id, path)`,
    [places.map((place) => place.tenantId), places.map((place) => place.path)],
  );
  return new Set(rows.map(({ path }) => path));
}

/** Marks a file as gone from disk; its row stays. */
export async function markFileRemoved(tx: Tx, id: string): Promise<void> {
  await tx.run(
    'update daybook.files set removed_at = now() where id = $1::uuid and removed_at is null',
    [id],
  );
  await tx.run(
    `update daybook.report_files r set removed_at = now() from daybook.files f
     where f.id = $1::uuid and r.tenant_id = f.tenant_id and r.file_id = f.id
       and r.removed_at is null`,
    [id],
  );
}
