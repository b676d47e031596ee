import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';

/**
 * Does `work` now and again `pauseMs` after it ended, one at a time. A failure is logged, and the
 * next time comes. Each time is given up after `longestMs`.
 */
export function repeat(of: {
  readonly name: string;
  readonly pauseMs: number;
  readonly longestMs: number;
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  let current: Promise<void> = once();

  async function once(): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(of.longestMs)]);
    try {
      await of.work(signal);
    } catch (error) {
      if (stopping.signal.aborted) return;
      of.log.warn({ work: of.name, error: toDaybookError(error).message }, 'a pass failed');
    }
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      current = once();
    }, of.pauseMs);
  }

  return {
    async stop() {
      stopping.abort();
      if (timer) clearTimeout(timer);
      await current;
    },
  };
}
