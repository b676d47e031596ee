import type { RunHint } from '../pool/messages.ts';
import type { Database } from '../store/database.ts';
import { type ClaimedRun, type RunProgress, writeProgress } from '../store/run-leases.ts';

const PROGRESS_MS = 200;

export interface ProgressWriter {
  note(progress: RunProgress): void;
  /** Writes what came last; resolves when it is there. */
  flush(): Promise<void>;
  /** What came last, for who listens. */
  hint(state: RunHint['state']): RunHint;
}

/** Writes a run's progress at most every 200 ms, and last of all what came last. */
export function progressWriter(
  run: ClaimedRun,
  deps: { readonly database: Database; readonly announce: (hint: RunHint) => void },
): ProgressWriter {
  let latest: RunProgress | null = null;
  let noted: RunProgress = { daysTotal: 0, daysDone: 0, daysCached: 0, rowsRead: 0 };
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;

  function write(): Promise<void> {
    timer = null;
    const progress = latest;
    latest = null;
    if (progress === null) return writing;
    writing = writing
      .then(() => deps.database.asTenant(run.tenantId, (tx) => writeProgress(tx, run, progress)))
      .then(
        () => deps.announce(hint('running')),
        () => {},
      );
    return writing;
  }

  function hint(state: RunHint['state']): RunHint {
    const { daysTotal: total, daysDone: done, daysCached: cached, rowsRead: rows } = noted;
    return { runId: run.id, state, days: { total, done, cached }, rows };
  }

  return {
    hint,
    note(progress: RunProgress) {
      latest = progress;
      noted = progress;
      timer ??= setTimeout(() => void write(), PROGRESS_MS);
    },
    async flush() {
      if (timer) clearTimeout(timer);
      await write();
    },
  };
}
