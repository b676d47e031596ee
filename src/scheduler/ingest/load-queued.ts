import type { Database } from '../../store/database.ts';
import { type DueHead, listDueHeads } from '../../store/ingest-queue.ts';
import { withLease } from '../../store/leases.ts';
import { type BatchEnd, loadBatch } from './load-batch.ts';

/**
 * The pass that loads queued batches until none is due. Batches of one tenant and dataset go one
 * after the other, in the order in which they came; of others, whoever was served longest ago goes
 * first.
 */

const LEASE = 'ingest';
const LEASE_SECONDS = 15;
/** At once; each takes a connection and the parsing of its rows. */
const MOST_AT_ONCE = 2;

export interface LoadedQueue {
  readonly batches: number;
  readonly rows: number;
  readonly rejected: number;
  readonly setbacks: readonly BatchEnd[];
}

export interface IngestDeps {
  readonly database: Database;
  readonly holder: string;
}

/**
 * One pass. Null: another process is at it.
 * @throws what `signal` was aborted with; DaybookError `E_UNAVAILABLE`
 */
export async function loadQueued(
  deps: IngestDeps,
  signal: AbortSignal,
): Promise<LoadedQueue | null> {
  const { database, holder } = deps;
  const due = () => database.asSystem(listDueHeads, { readOnly: true });
  if ((await due()).length === 0) return { batches: 0, rows: 0, rejected: 0, setbacks: [] };
  return withLease(database, { name: LEASE, holder, seconds: LEASE_SECONDS }, async (held) => {
    const stop = AbortSignal.any([signal, held.signal]);
    const ends: BatchEnd[] = [];
    const busy = new Map<string, Promise<void>>();
    const served = new Map<string, number>();
    let turn = 0;
    try {
      for (;;) {
        stop.throwIfAborted();
        const idle = (await due()).filter((head) => !busy.has(laneOf(head)));
        const turnOf = (head: DueHead) => served.get(laneOf(head)) ?? 0;
        idle.sort((one, other) => turnOf(one) - turnOf(other));
        for (const head of idle.slice(0, MOST_AT_ONCE - busy.size)) {
          const lane = laneOf(head);
          served.set(lane, ++turn);
          const work = loadBatch(head, deps, stop).then((end) => void ends.push(end));
          busy.set(
            lane,
            work.finally(() => busy.delete(lane)),
          );
        }
        if (busy.size === 0) break;
        await Promise.race(busy.values());
      }
    } finally {
      // The lease is given back once nobody works under it.
      await Promise.allSettled(busy.values());
    }
    return summaryOf(ends);
  });
}

function laneOf({ tenantId, dataset }: DueHead): string {
  return `${tenantId} ${dataset}`;
}

function summaryOf(ends: readonly BatchEnd[]): LoadedQueue {
  return {
    batches: ends.length,
    rows: ends.reduce((sum, { rows }) => sum + rows, 0),
    rejected: ends.reduce((sum, { rejected }) => sum + rejected, 0),
    setbacks: ends.filter(({ setback }) => setback !== null),
  };
}
