import { DaybookError, type ErrorCode } from '../../errors.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { noteInLease, withLease } from '../../store/leases.ts';
import { listPerhapsChanged } from '../../store/restatements.ts';
import type { Calendar } from '../../time/calendar.ts';
import { lookAtFile } from './look-at-file.ts';

/**
 * Notices that rows of our tables came late: sealed files whose days have other rows now say so, and their owner is
 * told once. Nothing is made: whether an amendment goes out is the owner's choice.
 */

const LEASE = 'restatements';
const LEASE_SECONDS = 60;
const BATCH = 200;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';
/** A transaction that took so long may show changes that are stamped earlier: 1 h. */
const LONGEST_WRITE_MS = 3_600_000;
/** What others' databases fail with. Our own that is away fails the next statement too. */
const FOREIGN: readonly ErrorCode[] = ['E_UNAVAILABLE', 'E_SOURCE', 'E_MAP'];
/** Where nobody looked before: as long as files are kept. */
const FIRST_LOOK_MS = 90 * 86_400_000;

/**
 * Looks at what changed since the last look. `now` is UTC epoch ms.
 * @returns files that were found changed, or changed further
 */
export async function findChanged(
  now: number,
  deps: { readonly database: Database; readonly source: RowSource; readonly holder: string },
  signal: AbortSignal,
): Promise<number> {
  const of = { name: LEASE, holder: deps.holder, seconds: LEASE_SECONDS };
  const found = await withLease(deps.database, of, async (held) => {
    const stop = AbortSignal.any([signal, held.signal]);
    const since = sinceOf(held.detail, now);
    const calendars = new Map<string, Calendar>();
    let changed = 0;
    for (let after = BEFORE_ALL; ; ) {
      stop.throwIfAborted();
      const batch = await deps.database.asSystem((tx) =>
        listPerhapsChanged(tx, { since, after, limit: BATCH }),
      );
      for (const file of batch) {
        try {
          if (await lookAtFile(file, calendars, deps, stop)) changed += 1;
        } catch (error) {
          // Some of its days stand in a database that is away; such files are looked at again anyway.
          if (!isOfForeign(error)) throw error;
        }
      }
      const last = batch.at(-1);
      if (!last || batch.length < BATCH) break;
      after = last.id;
    }
    await deps.database.asSystem((tx) => noteInLease(tx, held.lease, { lookedAt: now }));
    return changed;
  });
  return found ?? 0;
}

function isOfForeign(error: unknown): boolean {
  return error instanceof DaybookError && FOREIGN.includes(error.code);
}

function sinceOf(detail: unknown, now: number): number {
  const { lookedAt } = detail as { lookedAt?: unknown };
  const before = typeof lookedAt === 'number' ? Math.min(lookedAt, now) : now - FIRST_LOOK_MS;
  return before - LONGEST_WRITE_MS;
}
