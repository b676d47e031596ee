import { toDaybookError } from '../../errors.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { withLease } from '../../store/leases.ts';
import { listBoundElsewhere, noteLooked } from '../../store/restatements.ts';
import type { Calendar } from '../../time/calendar.ts';
import { lookAtFile } from './look-at-file.ts';

/**
 * Notices changes of rows that stand in others' databases, which tell nobody: sealed files are looked
 * at in turn, a new one every quarter of an hour, an older one every 24th of its age. So a file is
 * looked at some two hundred times while it is kept, and a change of a day is seen within an hour.
 */

const LEASE = 'restatements elsewhere';
const LEASE_SECONDS = 60;
/** Files of one pass. */
const MOST_FILES = 100;
/** A pass that takes longer than this begins with no further file: 30 s. */
const LONGEST_MS = 30_000;
/** A database that does not answer for the days of one file in this time is left for another pass. */
const PATIENCE_MS = 20_000;

export interface LookedElsewhere {
  readonly files: number;
  readonly changed: number;
  /** Of sources that could not be asked; the next look at their files comes when it is due. */
  readonly failures: readonly { readonly tenant: string; readonly reason: string }[];
}

/**
 * One pass over the files that are due, the one that waits longest first. Null: another process is at it.
 * @throws what `signal` was aborted with
 */
export function findChangedElsewhere(
  deps: { readonly database: Database; readonly source: RowSource; readonly holder: string },
  signal: AbortSignal,
): Promise<LookedElsewhere | null> {
  const { database, holder } = deps;
  return withLease(database, { name: LEASE, holder, seconds: LEASE_SECONDS }, async (held) => {
    const stop = AbortSignal.any([signal, held.signal]);
    const due = await database.asSystem((tx) => listBoundElsewhere(tx, MOST_FILES));
    const calendars = new Map<string, Calendar>();
    const failed = new Map<string, string>();
    const since = performance.now();
    let files = 0;
    let changed = 0;
    for (const file of due) {
      stop.throwIfAborted();
      if (performance.now() - since > LONGEST_MS) break;
      const { tenantId } = file;
      const rows = `${tenantId}/${file.dataset}`;
      // Noted first: a file whose look never ends is not the first of every pass.
      await database.asTenant(tenantId, (tx) => noteLooked(tx, file.id));
      // A database that is away is waited for once, not once for each file.
      if (failed.has(rows)) continue;
      try {
        const patience = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
        if (await lookAtFile(file, calendars, deps, patience)) changed += 1;
        files += 1;
      } catch (error) {
        stop.throwIfAborted();
        failed.set(rows, toDaybookError(error).message);
      }
    }
    const failures = [...failed].map(([rows, reason]) => ({ tenant: rows.split('/')[0], reason }));
    return { files, changed, failures };
  });
}
