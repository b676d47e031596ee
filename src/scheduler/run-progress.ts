import type { RunHint } from '../pool/messages.ts';
import type { Database } from '../store/database.ts';
import { type ClaimedRun, type RunProgress, writeProgress } from '../store/run-leases.ts';
import type { ArtifactState } from './report-job.ts';

/** People watch theirs come. */
const PROGRESS_MS = 200;
const UNWATCHED_PROGRESS_MS = 10_000;

export interface ProgressWriter {
  note(progress: RunProgress): void;
  /** Tells at once how far a file is that somebody waits for. */
  noteArtifact(artifact: ArtifactState | null): void;
  /**
   * Nothing more is written by itself. Resolves when nothing is being written, with what is left
   * for who ends the run; null: nothing.
   */
  stop(): Promise<RunProgress | null>;
  /** What came last, for who listens. */
  hint(state: RunHint['state']): RunHint;
}

/** Writes a run's progress now and then, and last of all what came last. */
export function progressWriter(
  run: ClaimedRun,
  deps: { readonly database: Database; readonly announce: (hint: RunHint) => void },
): ProgressWriter {
  const isWatched = run.workClass === 'interactive';
  const pauseMs = isWatched ? PROGRESS_MS : UNWATCHED_PROGRESS_MS;
  let latest: RunProgress | null = null;
  let noted: RunProgress = { daysTotal: 0, daysDone: 0, daysCached: 0, rowsRead: 0 };
  let artifact: RunHint['artifact'] = null;
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;

  function write(): void {
    timer = null;
    const progress = latest;
    latest = null;
    if (progress === null) return;
    writing = writing
      .then(() =>
        deps.database.asTenant(run.tenantId, (tx) => writeProgress(tx, run, progress), {
          lasting: false,
          ...{ single: true, prepared: true },
        }),
      )
      .then(
        () => deps.announce(hint('running')),
        () => {},
      );
  }

  function hint(state: RunHint['state']): RunHint {
    const { daysTotal: total, daysDone: done, daysCached: cached, rowsRead: rows } = noted;
    return { runId: run.id, state, days: { total, done, cached }, rows, artifact };
  }

  return {
    hint,
    note(progress) {
      latest = progress;
      noted = progress;
      if (!stopped) timer ??= setTimeout(write, pauseMs);
    },
    noteArtifact(now) {
      if (!isWatched) return;
      const isNews = now !== null || artifact !== null;
      artifact = now && { ...now, leaseToken: run.leaseToken };
      if (isNews) deps.announce(hint('running'));
    },
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      timer = null;
      await writing;
      return latest;
    },
  };
}
