import { randomUUID } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** Batches as they come in: stored once, whoever sends them how often, or turned away. */

export interface Arrival {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly dataset: string;
  readonly kind: 'rows' | 'mark';
  readonly source: string;
  readonly messageId: string;
  /** 32 bytes: of dataset, kind and the body as it was sent. */
  readonly contentSha256: Buffer;
  readonly keyId: string;
  /** UTC epoch ms, of marks alone. */
  readonly completeThrough: number | null;
  readonly pieces: readonly Buffer[];
  readonly rawBytes: number;
  readonly rows: number;
}

export interface QueueLimits {
  readonly batches: number;
  readonly storedBytes: number;
}

/** What waits, and how fast it went in the last minute. */
export interface QueueState {
  readonly batches: number;
  readonly storedBytes: number;
  readonly batchesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Of one `bytea` value; two hex digits a byte when it is read. */
const PIECE_BYTES = 1 << 20;
const PACE_SECONDS = 60;
const [LEAST_RETRY_SECONDS, MOST_RETRY_SECONDS] = [1, 300];

/**
 * Stores a batch, or finds that it is there. Of several at once with one id one stores it, and the
 * others wait for that one's commit.
 * @param inAll what waits of all tenants, and its limits
 * @throws DaybookError `E_CONFLICT` when another batch has the id; `E_RATE_LIMITED` when too much
 * waits, for a batch that is new
 */
export async function storeArrival(
  tx: Tx,
  arrival: Arrival,
  limits: QueueLimits,
  inAll: { readonly state: QueueState; readonly limits: QueueLimits },
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const id = randomUUID();
  const storedBytes = arrival.pieces.reduce((sum, piece) => sum + piece.length, 0);
  const inserted = await tx.run(
    `insert into daybook.ingest_batches (id, tenant_id, dataset, kind, source, message_id,
       content_sha256, key_id, complete_through, stored_bytes, raw_bytes, row_count)
     values ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000), $10, $11, $12)
     on conflict (tenant_id, source, message_id) do nothing`,
    [
      id,
      arrival.tenantId,
      arrival.dataset,
      arrival.kind,
      arrival.source,
      arrival.messageId,
      arrival.contentSha256,
      arrival.keyId,
      arrival.completeThrough,
      storedBytes,
      arrival.rawBytes,
      arrival.rows,
    ],
  );
  if (inserted === 0) return { id: await knownArrival(tx, arrival), isNew: false };
  demandPlace(inAll.state, inAll.limits, 'all tenants');
  demandPlace(await queueOfTenant(tx, arrival.tenantId), limits, `tenant ${arrival.tenantName}`);
  let pieceNo = 0;
  for (const bytes of recut(arrival.pieces)) {
    await tx.run(
      `insert into daybook.ingest_pieces (tenant_id, batch_id, piece_no, bytes)
       values ($1, $2, $3, $4)`,
      [arrival.tenantId, id, pieceNo++, bytes],
    );
  }
  return { id, isNew: true };
}

async function knownArrival(tx: Tx, arrival: Arrival): Promise<string> {
  const [known] = await tx.query<{ id: string; contentSha256: Buffer }>(
    `select id, content_sha256 as "contentSha256" from daybook.ingest_batches
     where tenant_id = $1 and source = $2 and message_id = $3`,
    [arrival.tenantId, arrival.source, arrival.messageId],
  );
  if (known?.contentSha256.equals(arrival.contentSha256)) return known.id;
  throw new DaybookError('E_CONFLICT', {
    where: `message ${arrival.messageId}`,
    reason: 'another body came under this id before',
  });
}

/** @throws DaybookError `E_RATE_LIMITED` with when, at the observed pace, there is room again */
function demandPlace(queue: QueueState, limits: QueueLimits, who: string): void {
  const batches = queue.batches - limits.batches;
  const bytes = queue.storedBytes - limits.storedBytes;
  if (batches <= 0 && bytes <= 0) return;
  const seconds = Math.max(
    batches > 0 ? batches / queue.batchesPerSecond : 0,
    bytes > 0 ? bytes / queue.bytesPerSecond : 0,
  );
  throw new DaybookError('E_RATE_LIMITED', {
    who: `${who}, of which ${queue.batches} batches wait`,
    // Nothing loaded in the last minute: there is no pace, and so the longest wait.
    retryAfterSeconds: Math.ceil(
      Math.min(MOST_RETRY_SECONDS, Math.max(LEAST_RETRY_SECONDS, seconds)),
    ),
  });
}

async function queueOfTenant(tx: Tx, tenantId: string): Promise<QueueState> {
  const [queue] = await tx.query<QueueState>(
    `select w.batches, w.bytes as "storedBytes", p.batches / $2::float8 as "batchesPerSecond",
       p.bytes / $2::float8 as "bytesPerSecond"
     from (select count(*)::float8 as batches, coalesce(sum(stored_bytes), 0)::float8 as bytes
           from daybook.ingest_batches
           where tenant_id = $1 and state in ('queued', 'loading')) w,
          (select count(*)::float8 as batches, coalesce(sum(stored_bytes), 0)::float8 as bytes
           from daybook.ingest_batches
           where tenant_id = $1 and state in ('loaded', 'discarded')
             and ended_at > now() - make_interval(secs => $2)) p`,
    [tenantId, PACE_SECONDS],
  );
  return queue;
}

/** Of all tenants. System transaction. */
export async function queueOfAll(tx: Tx): Promise<QueueState> {
  const [queue] = await tx.query<QueueState>(
    `select w.batches, w.bytes as "storedBytes", p.batches / $1::float8 as "batchesPerSecond",
       p.bytes / $1::float8 as "bytesPerSecond"
     from (select count(*)::float8 as batches, coalesce(sum(stored_bytes), 0)::float8 as bytes
           from daybook.ingest_batches where state in ('queued', 'loading')) w,
          (select count(*)::float8 as batches, coalesce(sum(stored_bytes), 0)::float8 as bytes
           from daybook.ingest_batches
           where state in ('loaded', 'discarded')
             and ended_at > now() - make_interval(secs => $1)) p`,
    [PACE_SECONDS],
  );
  return queue;
}

/** The same bytes in pieces of {@link PIECE_BYTES}. */
function* recut(pieces: readonly Buffer[]): Generator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const end = Math.min(piece.length, at + PIECE_BYTES - length);
      held.push(piece.subarray(at, end));
      length += end - at;
      at = end;
      if (length < PIECE_BYTES) continue;
      yield Buffer.concat(held);
      held = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(held);
}
