/** What became of the threads' time, as the hub sees it. Milliseconds of threads, summed. */
export interface ThreadTime {
  readonly busyMs: number;
  /** Idle while a day waited: 0 but where threads are kept free for a suspected day. */
  readonly idleWhileWaitingMs: number;
}

export interface ThreadState {
  readonly threads: number;
  readonly running: number;
  readonly waiting: number;
}

/** Told after each change how things stand now, it adds up how they stood until then. */
export function createThreadClock(monotonicNow: () => number): {
  note(state: ThreadState): ThreadTime;
} {
  let since = monotonicNow();
  let before: ThreadState = { threads: 0, running: 0, waiting: 0 };
  let busyMs = 0;
  let idleWhileWaitingMs = 0;
  return {
    note(state) {
      const now = monotonicNow();
      busyMs += (now - since) * before.running;
      if (before.waiting > 0)
        idleWhileWaitingMs += (now - since) * (before.threads - before.running);
      since = now;
      before = state;
      return { busyMs, idleWhileWaitingMs };
    },
  };
}
