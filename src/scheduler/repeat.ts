import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';

/**
 * Does `work` now and again `pauseMs` after it ended, or as soon as it is woken, one at a time. A
 * failure is logged, and the next time comes. Each time is given up after `longestMs`.
 */
export function repeat(of: {
  readonly name: string;
  readonly pauseMs: number;
  readonly longestMs: number;
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}): {
  /** What is under way may have begun too early: then once more after it. */
  wake(): void;
  stop(): Promise<void>;
} {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  let isWanted = false;
  let current: Promise<void> = once();

  async function once(): Promise<void> {
    isWanted = false;
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(of.longestMs)]);
    try {
      await of.work(signal);
    } catch (error) {
      if (stopping.signal.aborted) return;
      of.log.warn({ work: of.name, error: toDaybookError(error).message }, 'a pass failed');
    }
    if (stopping.signal.aborted) return;
    timer = setTimeout(begin, isWanted ? 0 : of.pauseMs);
  }

  function begin(): void {
    timer = null;
    current = once();
  }

  return {
    wake() {
      isWanted = true;
      if (timer === null || stopping.signal.aborted) return;
      clearTimeout(timer);
      begin();
    },
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await current;
    },
  };
}
