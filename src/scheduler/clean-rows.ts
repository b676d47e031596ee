import type { Database, Tx } from '../store/database.ts';
import {
  deleteIdempotencyKeys,
  deleteSupersededTotals,
  deleteUnusedTotals,
  IDEMPOTENCY_KEY_MS,
  INGEST_BATCH_MS,
  SUPERSEDED_TOTALS_MS,
  UNUSED_TOTALS_MS,
} from '../store/expired-rows.ts';
import { deleteEndedBatches } from '../store/ingest-queue.ts';
import { dropDeadPins } from '../store/part-pins.ts';
import { deleteUnsealedParts } from '../store/sealed-parts.ts';
import { deleteExpiredSnapshots } from '../store/snapshots.ts';

/** Deletes rows that nobody will ask for again, in small transactions. */

const BATCH_ROWS = 2_000;

export interface DeletedRows {
  readonly idempotencyKeys: number;
  readonly pins: number;
  readonly seals: number;
  readonly ingestBatches: number;
  readonly snapshots: number;
}

/** @param now UTC epoch ms */
export async function deleteExpiredRows(
  now: number,
  database: Database,
  signal: AbortSignal,
): Promise<DeletedRows> {
  const before = now - IDEMPOTENCY_KEY_MS;
  return {
    idempotencyKeys: await inBatches(deleteIdempotencyKeys, before, database, signal),
    pins: await database.asSystem(dropDeadPins),
    seals: await inBatches(deleteUnsealedParts, now, database, signal),
    ingestBatches: await inBatches(deleteEndedBatches, now - INGEST_BATCH_MS, database, signal),
    snapshots: await inBatches(deleteExpiredSnapshots, now, database, signal),
  };
}

/**
 * Totals of rows that have changed since, and those that nobody asked for in a long time. Looks at
 * all of them.
 * @param now UTC epoch ms
 */
export async function deleteStaleTotals(
  now: number,
  database: Database,
  signal: AbortSignal,
): Promise<number> {
  const superseded = now - SUPERSEDED_TOTALS_MS;
  const unused = now - UNUSED_TOTALS_MS;
  return (
    (await inBatches(deleteSupersededTotals, superseded, database, signal)) +
    (await inBatches(deleteUnusedTotals, unused, database, signal))
  );
}

async function inBatches(
  deleteBatch: (tx: Tx, before: number, limit: number) => Promise<number>,
  before: number,
  database: Database,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  for (;;) {
    signal.throwIfAborted();
    const batch = await database.asSystem((tx) => deleteBatch(tx, before, BATCH_ROWS));
    deleted += batch;
    if (batch < BATCH_ROWS) return deleted;
  }
}
