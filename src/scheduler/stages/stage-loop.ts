import { toDaybookError } from '../../errors.ts';
import type { Logger } from '../../log.ts';

/**
 * Does a stage's passes when it is woken, one at a time; woken meanwhile, once more afterwards. A
 * pass that failed, or found another process at it, is tried again soon, then less and less often.
 */
export interface StageLoop {
  wake(): void;
  /** Breaks off a pass that is under way, and waits for its end. */
  stop(): Promise<void>;
}

/** Whoever wakes it often wakes it for one pass in this time. */
const LEAST_GAP_MS = 500;
/** One that takes long comes less often, so that a stage that is always woken is not always at it. */
const LONGEST_GAP_MS = 2_000;
const REST_FACTOR = 10;
/** After a pass that came to nothing; twice as long after each more, up to the waker's minute. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export function startStageLoop(of: {
  readonly name: string;
  /** Null: another process was at it. */
  readonly pass: (signal: AbortSignal) => Promise<object | null>;
  readonly onDone: (summary: object) => void;
  readonly log: Logger;
}): StageLoop {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  let underWay: Promise<void> | null = null;
  let wanted = false;
  let endedAt = Number.NEGATIVE_INFINITY;
  let gapMs = LEAST_GAP_MS;
  let vain = 0;

  function begin(): void {
    timer = null;
    wanted = false;
    const since = performance.now();
    underWay = of
      .pass(stopping.signal)
      .then((summary) => {
        vain = summary ? 0 : vain + 1;
        if (summary) of.onDone(summary);
      })
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        vain += 1;
        const { code, message } = toDaybookError(error);
        of.log.warn({ stage: of.name, code, error: message }, 'a stage failed; it is tried again');
      })
      .finally(() => {
        underWay = null;
        endedAt = performance.now();
        gapMs = Math.min(LONGEST_GAP_MS, Math.max(LEAST_GAP_MS, REST_FACTOR * (endedAt - since)));
        if (wanted) plan();
        else if (vain > 0) plan(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (vain - 1)));
      });
  }

  function plan(afterMs = gapMs): void {
    if (stopping.signal.aborted) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(begin, Math.max(0, endedAt + afterMs - performance.now()));
  }

  return {
    wake() {
      wanted = true;
      if (!underWay) plan();
    },
    async stop() {
      stopping.abort(new Error('the process ends'));
      if (timer) clearTimeout(timer);
      await underWay;
    },
  };
}
