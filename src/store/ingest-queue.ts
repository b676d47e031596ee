import type { PlainError } from '../errors.ts';
import type { Tx } from './database.ts';
import { moveMark, type Staged, type StoredLoad } from './loads.ts';

/**
 * The queue from the side of who loads it: each dataset of each tenant is a lane, in which only the
 * first batch is taken. A batch is loaded and marked so in one transaction, which holds its row
 * from the start; a process that was given up finds another number of starts there, and gives up.
 */

export interface DueHead {
  readonly id: string;
  readonly tenantId: string;
  readonly dataset: string;
}

/** The first batch of each lane whose time has come; system transaction. */
export async function listDueHeads(tx: Tx): Promise<DueHead[]> {
  return tx.query<DueHead>(
    `select h.id, h.tenant_id as "tenantId", h.dataset from (
       select distinct on (b.tenant_id, b.dataset) b.id, b.tenant_id, b.dataset, b.not_before
       from daybook.ingest_batches b
       where b.state in ('queued', 'loading')
         -- A mark says that all before it is there: one that is dead holds it up.
         and not (b.kind = 'mark' and exists (
           select from daybook.ingest_batches d
           where d.tenant_id = b.tenant_id and d.dataset = b.dataset and d.seq < b.seq
             and d.state = 'dead'))
       order by b.tenant_id, b.dataset, b.seq) h
     where h.not_before <= now()`,
  );
}

export interface ClaimedBatch {
  readonly id: string;
  readonly dataset: string;
  readonly kind: 'rows' | 'mark';
  readonly source: string;
  readonly keyId: string;
  /** UTC epoch ms. */
  readonly completeThrough: number | null;
  readonly starts: number;
  readonly lost: number;
  readonly failures: number;
  /** As it was given; null: none. */
  readonly map: unknown;
}

/** Begins a batch, also one that somebody began and did not end. Null: it does not wait any more. */
export async function claimBatch(
  tx: Tx,
  tenantId: string,
  id: string,
): Promise<ClaimedBatch | null> {
  const [claimed] = await tx.query<ClaimedBatch>(
    `update daybook.ingest_batches b
     set state = 'loading', starts = b.starts + 1, started_at = now(),
         lost = b.lost + case b.state when 'loading' then 1 else 0 end
     from daybook.ingest_keys k
     where b.tenant_id = $1 and b.id = $2 and b.state in ('queued', 'loading')
       and k.tenant_id = b.tenant_id and k.id = b.key_id
     returning b.id, b.dataset, b.kind, b.source, b.key_id as "keyId",
       (extract(epoch from b.complete_through) * 1000)::float8 as "completeThrough",
       b.starts, b.lost, b.failures, k.maps -> b.dataset as map`,
    [tenantId, id],
  );
  return claimed ?? null;
}

/**
 * Its bytes, NDJSON in gzip: all of them, so that nobody waits for a connection while holding one.
 * Each piece is a transaction of its own.
 */
export async function readPieces(
  within: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>,
  tenantId: string,
  id: string,
): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for (;;) {
    const [piece] = await within((tx) =>
      tx.query<{ bytes: Buffer }>(
        `select bytes from daybook.ingest_pieces
         where tenant_id = $1 and batch_id = $2 and piece_no = $3`,
        [tenantId, id, pieces.length],
      ),
    );
    if (!piece) return pieces;
    pieces.push(piece.bytes);
  }
}

/** Holds the row until the transaction ends. False: it is another's now, or loaded already. */
export async function holdBatch(tx: Tx, tenantId: string, batch: ClaimedBatch): Promise<boolean> {
  const held = await tx.query(
    `select from daybook.ingest_batches
     where tenant_id = $1 and id = $2 and state = 'loading' and starts = $3
     for no key update`,
    [tenantId, batch.id, batch.starts],
  );
  return held.length === 1;
}

/** In the transaction of its rows. */
export async function endLoaded(
  tx: Tx,
  tenantId: string,
  batch: ClaimedBatch,
  stored: StoredLoad,
  staged: Staged,
): Promise<void> {
  await tx.run(
    `update daybook.ingest_batches
     set state = 'loaded', ended_at = clock_timestamp(), load_id = $3, loaded = $4, updated = $5,
       unchanged = $6, superseded = $7, rejected = $8, days = $9, first_reject = $10,
       error_code = null, error_message = null
     where tenant_id = $1 and id = $2`,
    [
      tenantId,
      batch.id,
      stored.loadId,
      stored.loaded,
      stored.updated,
      stored.unchanged,
      stored.superseded,
      staged.rejected,
      staged.days,
      staged.firstReject ?? null,
    ],
  );
  await tx.run('delete from daybook.ingest_pieces where tenant_id = $1 and batch_id = $2', [
    tenantId,
    batch.id,
  ]);
}

/** Moves the dataset's mark, forward only, and ends the batch that said so. */
export async function endMark(tx: Tx, tenantId: string, batch: ClaimedBatch): Promise<void> {
  await moveMark(tx, { tenantId, dataset: batch.dataset }, batch.completeThrough);
  await tx.run(
    `update daybook.ingest_batches
     set state = 'loaded', ended_at = clock_timestamp(), error_code = null, error_message = null
     where tenant_id = $1 and id = $2`,
    [tenantId, batch.id],
  );
}

/** What became of a start that did not load; nothing happens where another has it. */
export interface Setback {
  readonly state: 'queued' | 'dead';
  readonly failures: number;
  /** Until it is tried again. */
  readonly pauseMs: number;
  /** Null: nobody's fault, such as a process that was told to stop. */
  readonly error: PlainError | null;
}

export async function noteSetback(
  tx: Tx,
  tenantId: string,
  batch: ClaimedBatch,
  setback: Setback,
): Promise<void> {
  await tx.run(
    `update daybook.ingest_batches
     set state = $4, failures = $5, not_before = now() + $6::float8 * interval '1 millisecond',
       ended_at = case $4 when 'dead' then now() end,
       error_code = coalesce($7, error_code), error_message = coalesce($8, error_message)
     where tenant_id = $1 and id = $2 and state = 'loading' and starts = $3`,
    [
      tenantId,
      batch.id,
      batch.starts,
      setback.state,
      setback.failures,
      setback.pauseMs,
      setback.error?.code ?? null,
      setback.error?.message ?? null,
    ],
  );
}

/** Rows of batches that ended long ago; their ids may come again then. System transaction. */
export async function deleteEndedBatches(tx: Tx, before: number, limit: number): Promise<number> {
  return tx.run(
    `delete from daybook.ingest_batches b using (
       select id from daybook.ingest_batches
       where state in ('loaded', 'discarded') and ended_at < $1 limit $2) old
     where b.id = old.id`,
    [new Date(before).toISOString(), limit],
  );
}
