import { DaybookError, toDaybookError, toPlainError } from '../../errors.ts';
import { readKnownSkus } from '../../ingest/known-skus.ts';
import { loadPacked } from '../../ingest/signed/load-packed.ts';
import type { DatasetName } from '../../reports/dataset.ts';
import type { Database } from '../../store/database.ts';
import {
  type ClaimedBatch,
  claimBatch,
  type DueHead,
  endLoaded,
  endMark,
  holdBatch,
  noteSetback,
  readPieces,
  type Setback,
} from '../../store/ingest-queue.ts';
import { storeLoads } from '../../store/loads.ts';
import { requireTenant } from '../../store/tenants.ts';

/**
 * One batch: claimed, loaded and marked so in one transaction, or put back. Whoever is killed in the
 * middle leaves nothing behind but a start, and the next one begins again.
 */

export interface BatchEnd {
  readonly id: string;
  readonly rows: number;
  readonly rejected: number;
  /** Null: it is loaded, or was not ours any more. */
  readonly setback: Setback | null;
}

/** So many failures of its own and a batch is dead; a database that is away is none of them. */
const MOST_FAILURES = 5;
/** So many processes ended over it and it is dead too. */
const MOST_LOST = 20;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [2_000, 60_000];
const AWAY_PAUSE_MS = 5_000;

/** @throws DaybookError `E_UNAVAILABLE` when what became of it could not be noted either */
export async function loadBatch(
  head: DueHead,
  deps: { readonly database: Database },
  signal: AbortSignal,
): Promise<BatchEnd> {
  const { database } = deps;
  const { tenantId } = head;
  const nothing = { id: head.id, rows: 0, rejected: 0, setback: null };
  const claimed = await database.asTenant(tenantId, (tx) => claimBatch(tx, tenantId, head.id));
  if (claimed === null) return nothing;
  try {
    if (claimed.lost >= MOST_LOST) {
      const reason = `the processes that loaded it ended ${claimed.lost} times`;
      throw new DaybookError('E_INTERNAL', { reason });
    }
    if (claimed.kind === 'mark') {
      await database.asTenant(tenantId, async (tx) => {
        if (await holdBatch(tx, tenantId, claimed)) await endMark(tx, tenantId, claimed);
      });
      return nothing;
    }
    return { ...nothing, ...(await loadRowsOf(claimed, tenantId, database, signal)) };
  } catch (error) {
    if (error === NOT_OURS) return nothing;
    const setback = setbackOf(error, claimed, signal);
    await database.asTenant(tenantId, (tx) => noteSetback(tx, tenantId, claimed, setback));
    return { ...nothing, setback };
  }
}

const NOT_OURS = new Error('another process has the batch');

async function loadRowsOf(
  batch: ClaimedBatch,
  tenantId: string,
  database: Database,
  signal: AbortSignal,
): Promise<{ rows: number; rejected: number }> {
  const tenant = await database.asSystem((tx) => requireTenant(tx, tenantId), { readOnly: true });
  const store = storeLoads(database, {
    first: async (tx) => {
      if (!(await holdBatch(tx, tenantId, batch))) throw NOT_OURS;
    },
    last: (tx, stored, staged) => endLoaded(tx, tenantId, batch, stored, staged),
  });
  const pieces = await readPieces(
    (work) => database.asTenant(tenantId, work, { readOnly: true }),
    tenantId,
    batch.id,
  );
  const result = await loadPacked(
    pieces,
    {
      tenant,
      dataset: batch.dataset as DatasetName,
      name: `batch ${batch.id}`,
      map: batch.map,
      requestedBy: `ingest:${batch.keyId}`,
      completeThrough: null,
      knownSkus: await database.asTenant(
        tenantId,
        (tx) => readKnownSkus(tx, tenantId, batch.dataset),
        { readOnly: true },
      ),
    },
    { store, signal },
  );
  const rows = result.loaded + result.updated + result.unchanged + result.superseded;
  return { rows, rejected: result.rejected };
}

/** Exported for tests. */
export function setbackOf(
  thrown: unknown,
  batch: { readonly failures: number; readonly lost: number },
  signal: AbortSignal,
): Setback {
  const { failures } = batch;
  if (signal.aborted) return { state: 'queued', failures, pauseMs: 0, error: null };
  const error = toPlainError(thrown);
  if (toDaybookError(thrown).retryable) {
    return { state: 'queued', failures, pauseMs: AWAY_PAUSE_MS, error };
  }
  const isDead = failures + 1 >= MOST_FAILURES || batch.lost >= MOST_LOST;
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return { state: isDead ? 'dead' : 'queued', failures: failures + 1, pauseMs, error };
}
