import type { Pulse } from './pulse.ts';

/**
 * Tells when a day is to be ended because its thread hangs. It is counted in looks, not by a
 * clock: a process that was stopped for a while looks once when it goes on, and blames nobody.
 */

export const LOOK_MS = 1_000;

export interface DayLimits {
  /** Looks without a turn of the thread's event loop. */
  readonly silentLooks: number;
  /** Looks without a chunk of rows. */
  readonly stillLooks: number;
  /** Looks in all. */
  readonly looks: number;
}

/**
 * A chunk keeps a thread for less than a second, and 30 s give a slow disk its time. All that a
 * day awaits has a deadline of its own, at most 30 s, so after 120 s it awaits what never comes.
 * The database gives 15 minutes to a day's rows; twice that is no day any more.
 */
export const DAY_LIMITS: DayLimits = { silentLooks: 30, stillLooks: 120, looks: 1_800 };

export interface DayWatch {
  /** To be called every {@link LOOK_MS}. Why the day is to be ended; null: let it go on. */
  look(pulse: Pulse): string | null;
}

export function watchDay(limits: DayLimits): DayWatch {
  let last: Pulse | null = null;
  let looks = 0;
  let silent = 0;
  let still = 0;
  return {
    look(pulse) {
      looks += 1;
      // A thread that is still starting has not turned yet.
      silent = pulse.turns !== 0 && pulse.turns === last?.turns ? silent + 1 : 0;
      still = pulse.steps === last?.steps ? still + 1 : 0;
      last = pulse;
      if (silent >= limits.silentLooks) return `its thread stood still for ${silent} s`;
      if (still >= limits.stillLooks) return `it came no further for ${still} s`;
      if (looks >= limits.looks) return `it was not done in ${looks} s`;
      return null;
    },
  };
}
