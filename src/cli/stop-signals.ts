import type { EventEmitter } from 'node:events';

/**
 * Under npm, Ctrl-C comes twice: from the terminal, and handed on by npm. A SIGINT within this time
 * of the first signal is that echo, not a second wish.
 */
export const ECHO_MS = 200;

/**
 * The wishes to stop, for as long as the process lives: the first is to drain, the second, which is
 * no echo of the first, to end at once.
 * @param nowMs a clock that never goes back
 */
export function stopSignals(
  process: EventEmitter,
  nowMs: () => number,
): { first: Promise<NodeJS.Signals>; second: Promise<void> } {
  let toFirst: (name: NodeJS.Signals) => void;
  let toSecond: () => void;
  let firstMs: number | null = null;
  const onSignal = (name: NodeJS.Signals) => {
    if (firstMs === null) {
      firstMs = nowMs();
      toFirst(name);
    } else if (name !== 'SIGINT' || nowMs() - firstMs > ECHO_MS) toSecond();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  return {
    first: new Promise((resolve) => {
      toFirst = resolve;
    }),
    second: new Promise((resolve) => {
      toSecond = resolve;
    }),
  };
}
