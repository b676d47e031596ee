import { isFinal } from '../store/runs.ts';
import type { ProgressFeed, RunProgress } from './deps.ts';
import type { FoundRun } from './run-lookup.ts';

/** Watching a run: hints from the feed say when to look, the row says what is so. */

/** Looks at the row at least this often, in case a hint was lost. */
const LOOK_MS = 1_000;
/** After a hint that the run ended, until the row shows it. */
const LOOK_AGAIN_MS = 100;

export interface RunWatch {
  /** Resolves with the next hint, or null after `timeoutMs` or when the signal aborts. */
  next(timeoutMs: number): Promise<RunProgress | null>;
  /** Must be called. */
  close(): void;
}

/** Hints that come between two calls of `next` are merged: only the newest is kept. */
export function watchRun(feed: ProgressFeed, runId: string, signal: AbortSignal): RunWatch {
  let newest: RunProgress | null = null;
  let wakeUp: (() => void) | null = null;
  const rouse = () => wakeUp?.();
  const unsubscribe = feed.subscribe(runId, (progress) => {
    newest = progress;
    rouse();
  });
  signal.addEventListener('abort', rouse);
  return {
    async next(timeoutMs) {
      if (newest === null && !signal.aborted && timeoutMs > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wakeUp = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wakeUp = null;
      }
      const hint = newest;
      newest = null;
      return hint;
    },
    close() {
      unsubscribe();
      signal.removeEventListener('abort', rouse);
    },
  };
}

/** Waits until the run has ended, at most until `deadline` (by `now`) or the signal. */
export async function waitForRun(options: {
  feed: ProgressFeed;
  runId: string;
  read: () => Promise<FoundRun>;
  deadline: number;
  now: () => number;
  signal: AbortSignal;
}): Promise<FoundRun> {
  const watch = watchRun(options.feed, options.runId, options.signal);
  try {
    let pause = 0;
    for (;;) {
      const found = await options.read();
      const left = options.deadline - options.now();
      if (isFinal(found.run.state) || left <= 0 || options.signal.aborted) return found;
      let hint = await watch.next(Math.min(left, pause || LOOK_MS));
      // Days that are done change nothing for who waits for the end.
      const lookAt = options.now() + LOOK_MS;
      while (hint && !isFinal(hint.state) && !options.signal.aborted) {
        hint = await watch.next(Math.min(lookAt, options.deadline) - options.now());
      }
      pause = hint ? LOOK_AGAIN_MS : 0;
    }
  } finally {
    watch.close();
  }
}
