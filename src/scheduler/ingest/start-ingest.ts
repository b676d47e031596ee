import type { Logger } from '../../log.ts';
import { repeat } from '../repeat.ts';
import { type IngestDeps, loadQueued } from './load-queued.ts';

/** How long a batch waits at most before somebody looks. */
const PAUSE_MS = 1_000;
const LONGEST_MS = 6 * 3_600_000;

/** Loads batches as they come, until it is stopped. */
export function startIngest(deps: IngestDeps & { readonly log: Logger }): {
  wake(): void;
  stop(): Promise<void>;
} {
  const { log } = deps;
  return repeat({
    name: 'ingest',
    pauseMs: PAUSE_MS,
    longestMs: LONGEST_MS,
    log,
    work: async (signal) => {
      const done = await loadQueued(deps, signal);
      for (const { id, setback } of done?.setbacks ?? []) {
        log.warn({ batch: id, state: setback?.state, ...setback?.error }, 'a batch was not loaded');
      }
      if (done && done.batches > 0) log.info({ ...done, setbacks: undefined }, 'loaded batches');
    },
  });
}
