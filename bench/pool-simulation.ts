import type { Balancer, ComputeLoad, WaitingDay } from '../src/pool/balancer.ts';

/**
 * The pool without the work: days come, a policy gives them to threads, each takes as long as it is
 * told to. A day is known to the policy by its rows and to the simulation by its duration. Nothing
 * here reads a clock, so the same days under the same policy always end alike.
 */

export interface SimulatedDay extends WaitingDay {
  /** Milliseconds from the begin of the simulation. */
  readonly arrival: number;
  readonly durationMs: number;
}

export interface SimulatedStart {
  readonly day: SimulatedDay;
  readonly start: number;
  readonly thread: number;
}

export interface Simulated {
  /** In the order in which days were started. */
  readonly starts: readonly SimulatedStart[];
  /** When the last day ended. */
  readonly end: number;
  /** Thread-milliseconds that were idle while a day waited. */
  readonly idleWhileWaitingMs: number;
}

/**
 * @param threads each is a compute process of one thread, so that a policy may tell them apart
 * @param days in any order
 */
export function simulatePool(
  policy: Balancer,
  threads: number,
  days: readonly SimulatedDay[],
): Simulated {
  const coming = [...days].sort((a, b) => a.arrival - b.arrival);
  const byId = new Map(days.map((day) => [day.id, day]));
  const running: ({ day: SimulatedDay; end: number } | null)[] = Array(threads).fill(null);
  const starts: SimulatedStart[] = [];
  let now = 0;
  let next = 0;
  let end = 0;
  let idleWhileWaitingMs = 0;

  const loads = (): ComputeLoad[] =>
    running.map((busy, id) => ({ id, threads: 1, inFlight: busy ? 1 : 0, quarantined: false }));

  function fill(): void {
    for (;;) {
      const choice = policy.startNext(loads(), now);
      if (choice === null) return;
      const day = byId.get(choice.day.id) as SimulatedDay;
      running[choice.computeId] = { day, end: now + day.durationMs };
      starts.push({ day, start: now, thread: choice.computeId });
    }
  }

  for (;;) {
    const ends = running.map((busy) => busy?.end ?? Number.POSITIVE_INFINITY);
    const arrival = coming[next]?.arrival ?? Number.POSITIVE_INFINITY;
    const at = Math.min(arrival, ...ends);
    if (at === Number.POSITIVE_INFINITY) return { starts, end, idleWhileWaitingMs };
    if (policy.waiting > 0) {
      idleWhileWaitingMs += (at - now) * running.filter((busy) => busy === null).length;
    }
    now = at;
    for (const [thread, busy] of running.entries()) {
      if (busy === null || busy.end > now) continue;
      running[thread] = null;
      policy.end(busy.day.id);
      end = now;
    }
    for (; next < coming.length && coming[next].arrival <= now; next++) {
      policy.add(coming[next], now);
    }
    fill();
  }
}
