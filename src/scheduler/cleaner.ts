import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Cleaned } from './clean.ts';

/** Wakes the stage `clean`: at once, every so often, and when it is asked to; one pass at a time. */
export interface Cleaner {
  /** A pass soon: at once, or when {@link LEAST_GAP_MS} have gone by since the last one. */
  wake(): void;
  /** Breaks off a pass that is under way, and waits for its end. */
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
const LEAST_GAP_MS = 1_000;

export function startCleaner(deps: {
  /** Null: another process was at it. */
  readonly pass: (signal: AbortSignal) => Promise<Cleaned | null>;
  readonly onCleaned: (cleaned: Cleaned) => void;
  readonly log: Logger;
}): Cleaner {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  let underWay: Promise<void> | null = null;
  let wanted = false;

  function plan(afterMs: number): void {
    if (timer) clearTimeout(timer);
    timer = setTimeout(begin, afterMs);
  }

  function begin(): void {
    timer = null;
    wanted = false;
    underWay = deps
      .pass(stopping.signal)
      .then((cleaned) => {
        if (cleaned) deps.onCleaned(cleaned);
      })
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        deps.log.warn(
          { error: toDaybookError(error).message },
          'cleaning failed; it is tried again',
        );
      })
      .finally(() => {
        underWay = null;
        if (!stopping.signal.aborted) plan(wanted ? LEAST_GAP_MS : EVERY_MS);
      });
  }

  begin();
  return {
    wake() {
      if (wanted || stopping.signal.aborted) return;
      wanted = true;
      if (!underWay) plan(LEAST_GAP_MS);
    },
    async stop() {
      stopping.abort(new Error('the process ends'));
      if (timer) clearTimeout(timer);
      await underWay;
    },
  };
}
