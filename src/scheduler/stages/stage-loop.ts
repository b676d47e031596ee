import { toDaybookError } from '../../errors.ts';
import type { Logger } from '../../log.ts';

/** Does a stage's passes when it is woken, one at a time; woken meanwhile, once more afterwards. */
export interface StageLoop {
  wake(): void;
  /** Breaks off a pass that is under way, and waits for its end. */
  stop(): Promise<void>;
}

/** Whoever wakes it often wakes it for one pass in this time. */
const LEAST_GAP_MS = 500;

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

  function begin(): void {
    timer = null;
    wanted = false;
    underWay = of
      .pass(stopping.signal)
      .then((summary) => {
        if (summary) of.onDone(summary);
      })
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        const { code, message } = toDaybookError(error);
        of.log.warn({ stage: of.name, code, error: message }, 'a stage failed; it is tried again');
      })
      .finally(() => {
        underWay = null;
        endedAt = performance.now();
        if (wanted) plan();
      });
  }

  function plan(): void {
    if (timer || stopping.signal.aborted) return;
    timer = setTimeout(begin, Math.max(0, endedAt + LEAST_GAP_MS - performance.now()));
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
