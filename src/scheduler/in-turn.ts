/** Work of one process that must not be done twice at once: each waits for the one before it. */
export type InTurn = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Who is told to stop while it waits leaves the queue with the reason of its signal. */
export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work, signal) => {
    const before = last;
    const done = (async () => {
      await orStop(before, signal);
      return work();
    })();
    // Also behind one that gave up: its turn comes when the one before it has ended.
    last = Promise.allSettled([before, done]);
    return done;
  };
}

async function orStop(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([before, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
