import { noteInLease, withLease } from '../store/leases.ts';
import { type SweepDeps, type Swept, sweepDisk } from './clean-disk.ts';
import { expireFiles } from './clean-files.ts';
import { type EvictDeps, type Evicted, evictToBound } from './clean-parts.ts';
import { type DeletedRows, deleteExpiredRows, deleteStaleTotals } from './clean-rows.ts';

/**
 * The stage `clean`: parts back within their bound, expired files off the disk, rows that nobody
 * asks for any more, and now and then a sweep of everything. Each step may be done twice, or broken
 * off; the lease spares the work, not the data.
 */

const LEASE = 'clean';
const LEASE_SECONDS = 60;
/** All of the disk and of the totals is looked at only this often: 6 h. */
export const SWEEP_EVERY_MS = 6 * 3_600_000;

export interface CleanDeps extends EvictDeps, SweepDeps {
  /** Names this process in the lease. */
  readonly holder: string;
}

export interface Cleaned {
  readonly cache: Evicted;
  readonly expiredFiles: number;
  readonly rows: DeletedRows;
  /** What looks at everything. Null: it was not due. */
  readonly swept: (Swept & { readonly staleTotals: number }) | null;
}

/**
 * One pass as of `now`, UTC epoch ms. Null: another process is at it.
 * @throws what `signal` was aborted with
 */
export async function clean(
  now: number,
  deps: CleanDeps,
  signal: AbortSignal,
): Promise<Cleaned | null> {
  const of = { name: LEASE, holder: deps.holder, seconds: LEASE_SECONDS };
  return withLease(deps.database, of, async (held) => {
    const stop = AbortSignal.any([signal, held.signal]);
    const cache = await evictToBound(deps, stop);
    const expiredFiles = await expireFiles(now, deps, stop);
    const rows = await deleteExpiredRows(now, deps.database, stop);
    if (!isSweepDue(held.detail, now)) return { cache, expiredFiles, rows, swept: null };
    const swept = {
      ...(await sweepDisk(now, deps, stop)),
      staleTotals: await deleteStaleTotals(now, deps.database, stop),
    };
    await deps.database.asSystem((tx) => noteInLease(tx, held.lease, { sweptAt: now }));
    return { cache, expiredFiles, rows, swept };
  });
}

function isSweepDue(detail: unknown, now: number): boolean {
  const { sweptAt } = detail as { sweptAt?: unknown };
  return typeof sweptAt !== 'number' || Math.abs(now - sweptAt) >= SWEEP_EVERY_MS;
}
