import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';
import type { MirrorScope } from './mirror-guard.ts';

/**
 * Snapshots of another system's rows on their way to a mirror. Parts may come in any order and more
 * than once; what came under one number stays. Tenant transactions.
 *
 * open ⇄ refused → committed | discarded. Whatever has not ended expires.
 */

export const SNAPSHOT_STATES = ['open', 'refused', 'committed', 'discarded'] as const;
export type SnapshotState = (typeof SNAPSHOT_STATES)[number];

export interface Snapshot {
  readonly id: string;
  readonly dataset: string;
  readonly source: string;
  /** As it was given; null: none. */
  readonly map: unknown;
  readonly scope: MirrorScope;
  readonly state: SnapshotState;
  readonly parts: number;
  /** As they were counted when they came. */
  readonly rows: number;
  readonly storedBytes: number;
  readonly openedBy: string;
  readonly openedAt: Date;
  readonly expiresAt: Date;
  readonly endedBy: string | null;
  readonly endedAt: Date | null;
  /** What the guard said last. */
  readonly refusal: string | null;
  /** What the commit did. */
  readonly result: unknown;
}

/** One that nobody adds to or commits is gone after 7 days; the record of one that ended after 30. */
const LIVES = '7 days';
const RECORD_LIVES = '30 days';
/** A sender that never commits must not fill the disk. */
const MOST_OPEN = 20;
const MOST_BYTES = 8 * 2 ** 30;
const PIECE_BYTES = 1 << 20;

type Stored = Omit<Snapshot, 'scope'> & {
  readonly start: number | null;
  readonly end: number | null;
  readonly prefix: string | null;
};

const COLUMNS = `id, dataset, source, map, state, part_count as parts, row_count::float8 as rows,
  stored_bytes::float8 as "storedBytes", opened_by as "openedBy", opened_at as "openedAt",
  expires_at as "expiresAt", ended_by as "endedBy", ended_at as "endedAt", refusal, result, prefix,
  (extract(epoch from window_start) * 1000)::float8 as start,
  (extract(epoch from window_end) * 1000)::float8 as end`;

function snapshotOf({ start, end, prefix, ...row }: Stored): Snapshot {
  const window = start === null || end === null ? null : { start, end };
  return { ...row, scope: { window, prefix } };
}

export interface NewSnapshot {
  readonly tenantId: string;
  readonly dataset: string;
  readonly source: string;
  readonly map: unknown;
  readonly scope: MirrorScope;
  readonly openedBy: string;
}

/** @throws DaybookError `E_CONFLICT` when too many wait */
export async function openSnapshot(tx: Tx, snapshot: NewSnapshot): Promise<Snapshot> {
  const { tenantId, dataset, source, map, scope, openedBy } = snapshot;
  const [{ open }] = await tx.query<{ open: number }>(
    `select count(*)::int as open from daybook.snapshots
     where tenant_id = $1 and state in ('open', 'refused') and expires_at > now()`,
    [tenantId],
  );
  if (open >= MOST_OPEN) {
    const reason = `${open} snapshots wait for their commit; commit or discard one`;
    throw new DaybookError('E_CONFLICT', { where: 'mirror', reason });
  }
  const [row] = await tx.query<Stored>(
    `insert into daybook.snapshots (tenant_id, dataset, source, map, window_start, window_end,
       prefix, opened_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() + interval '${LIVES}') returning ${COLUMNS}`,
    [
      tenantId,
      dataset,
      source,
      map === null ? null : JSON.stringify(map),
      scope.window && new Date(scope.window.start),
      scope.window && new Date(scope.window.end),
      scope.prefix,
      openedBy,
    ],
  );
  return snapshotOf(row);
}

/** @throws DaybookError `E_NOT_FOUND`, for one of another dataset than is named as well */
export async function requireSnapshot(
  tx: Tx,
  of: { readonly tenantId: string; readonly dataset?: string; readonly id: string },
): Promise<Snapshot> {
  const [row] = await tx.query<Stored>(
    `select ${COLUMNS} from daybook.snapshots
     where tenant_id = $1 and dataset = coalesce($2, dataset) and id = $3 and expires_at > now()`,
    [of.tenantId, of.dataset ?? null, of.id],
  );
  if (!row) throw new DaybookError('E_NOT_FOUND', { what: 'snapshot', got: of.id });
  return snapshotOf(row);
}

/** Of one dataset, or of all; newest first. */
export async function listSnapshots(
  tx: Tx,
  of: { readonly tenantId: string; readonly dataset?: string; readonly limit: number },
): Promise<Snapshot[]> {
  const rows = await tx.query<Stored>(
    `select ${COLUMNS} from daybook.snapshots
     where tenant_id = $1 and dataset = coalesce($2, dataset) and expires_at > now()
     order by opened_at desc, id limit $3`,
    [of.tenantId, of.dataset ?? null, of.limit],
  );
  return rows.map(snapshotOf);
}

/**
 * Holds the snapshot until the transaction ends.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` when it was discarded
 */
export async function holdSnapshot(tx: Tx, tenantId: string, id: string): Promise<Snapshot> {
  const [row] = await tx.query<Stored>(
    `select ${COLUMNS} from daybook.snapshots
     where tenant_id = $1 and id = $2 and expires_at > now() for no key update`,
    [tenantId, id],
  );
  if (!row) throw new DaybookError('E_NOT_FOUND', { what: 'snapshot', got: id });
  if (row.state !== 'discarded') return snapshotOf(row);
  throw new DaybookError('E_CONFLICT', { where: `snapshot ${id}`, reason: 'it was discarded' });
}

export interface SnapshotPart {
  readonly partNo: number;
  /** Of the body as it was sent. */
  readonly bodySha256: Buffer;
  /** NDJSON in gzip. */
  readonly pieces: readonly Buffer[];
  readonly rows: number;
}

/**
 * Keeps a part, once: the same again changes nothing.
 * @throws DaybookError `E_CONFLICT` when another body came under its number, or the snapshot has
 * ended; `E_TOO_LARGE`; `E_NOT_FOUND`
 */
export async function addSnapshotPart(
  tx: Tx,
  tenantId: string,
  id: string,
  part: SnapshotPart,
): Promise<Snapshot> {
  const held = await holdSnapshot(tx, tenantId, id);
  const key = [tenantId, id, part.partNo];
  const [known] = await tx.query<{ sha: Buffer }>(
    `select body_sha256 as sha from daybook.snapshot_parts
     where tenant_id = $1 and snapshot_id = $2 and part_no = $3`,
    key,
  );
  if (known?.sha.equals(part.bodySha256)) return held;
  const where = `snapshot ${id}`;
  if (held.state === 'committed') {
    throw new DaybookError('E_CONFLICT', { where, reason: 'it is committed already' });
  }
  if (known) {
    const reason = `another body came as part ${part.partNo} before`;
    throw new DaybookError('E_CONFLICT', { where, reason });
  }
  const bytes = part.pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (held.storedBytes + bytes > MOST_BYTES) {
    const got = `${held.storedBytes + bytes} bytes`;
    throw new DaybookError('E_TOO_LARGE', { where, got, expected: `${MOST_BYTES} bytes` });
  }
  await tx.run(
    `insert into daybook.snapshot_parts
       (tenant_id, snapshot_id, part_no, body_sha256, row_count, stored_bytes)
     values ($1, $2, $3, $4, $5, $6)`,
    [...key, part.bodySha256, part.rows, bytes],
  );
  const whole = Buffer.concat(part.pieces);
  for (let at = 0, pieceNo = 0; at < whole.length; at += PIECE_BYTES, pieceNo++) {
    await tx.run(
      `insert into daybook.snapshot_pieces (tenant_id, snapshot_id, part_no, piece_no, bytes)
       values ($1, $2, $3, $4, $5)`,
      [...key, pieceNo, whole.subarray(at, at + PIECE_BYTES)],
    );
  }
  const [row] = await tx.query<Stored>(
    `update daybook.snapshots
     set part_count = part_count + 1, row_count = row_count + $3, stored_bytes = stored_bytes + $4,
       state = 'open', expires_at = now() + interval '${LIVES}'
     where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
    [tenantId, id, part.rows, bytes],
  );
  return snapshotOf(row);
}

/** Numbers of the parts, ascending. */
export async function partNumbers(tx: Tx, tenantId: string, id: string): Promise<number[]> {
  const rows = await tx.query<{ partNo: number }>(
    `select part_no as "partNo" from daybook.snapshot_parts
     where tenant_id = $1 and snapshot_id = $2 order by part_no`,
    [tenantId, id],
  );
  return rows.map(({ partNo }) => partNo);
}

/** One piece of a part; null: there is none of that number. */
export async function readSnapshotPiece(
  tx: Tx,
  of: { readonly tenantId: string; readonly id: string; readonly partNo: number },
  pieceNo: number,
): Promise<Buffer | null> {
  const [row] = await tx.query<{ bytes: Buffer }>(
    `select bytes from daybook.snapshot_pieces
     where tenant_id = $1 and snapshot_id = $2 and part_no = $3 and piece_no = $4`,
    [of.tenantId, of.id, of.partNo, pieceNo],
  );
  return row?.bytes ?? null;
}

/** What the guard said; it stays until something is added or it is committed after all. */
export async function noteRefusal(tx: Tx, tenantId: string, id: string, reason: string) {
  await tx.run(
    `update daybook.snapshots
     set state = 'refused', refusal = $3, expires_at = now() + interval '${LIVES}'
     where tenant_id = $1 and id = $2 and state in ('open', 'refused')`,
    [tenantId, id, reason],
  );
}

/** Ends one that {@link holdSnapshot} holds; its bytes go. */
export async function endSnapshot(
  tx: Tx,
  of: { readonly tenantId: string; readonly id: string; readonly endedBy: string },
  end: { readonly state: 'committed' | 'discarded'; readonly result: unknown },
): Promise<void> {
  await tx.run(
    `update daybook.snapshots
     set state = $3, ended_by = $4, ended_at = clock_timestamp(), result = $5,
       expires_at = clock_timestamp() + interval '${RECORD_LIVES}'
     where tenant_id = $1 and id = $2`,
    [of.tenantId, of.id, end.state, of.endedBy, end.result && JSON.stringify(end.result)],
  );
  await tx.run('delete from daybook.snapshot_parts where tenant_id = $1 and snapshot_id = $2', [
    of.tenantId,
    of.id,
  ]);
}

/**
 * Gives up one that is not committed; one that has ended stays as it is.
 * @returns it as it is then
 * @throws DaybookError `E_NOT_FOUND`
 */
export async function discardSnapshot(
  tx: Tx,
  of: Parameters<typeof requireSnapshot>[1] & { readonly endedBy: string },
): Promise<Snapshot> {
  const found = await requireSnapshot(tx, of);
  if (found.state === 'discarded') return found;
  const held = await holdSnapshot(tx, of.tenantId, of.id);
  if (held.state === 'committed') return held;
  await endSnapshot(tx, of, { state: 'discarded', result: null });
  return requireSnapshot(tx, of);
}

/** Those whose time was over `before` (UTC epoch ms). System transaction. */
export async function deleteExpiredSnapshots(tx: Tx, before: number, limit: number) {
  return tx.run(
    `delete from daybook.snapshots s using (
       select id from daybook.snapshots where expires_at < $1 limit $2) old
     where s.id = old.id`,
    [new Date(before).toISOString(), limit],
  );
}
