/** What a day has to answer for when the thread or the process it ran in ended. Pure. */

export interface Suspicion {
  /** Ends that came from within: a crash, a thread out of memory or hung. */
  readonly crashes: number;
  /** Processes that were killed from outside. */
  readonly kills: number;
}

/** A day that was there at so many crashes is not tried again: from the first on it runs alone. */
export const CRASHES_ALLOWED = 2;
/**
 * Who kills from outside means the process, not the day: it takes many to make a day guilty. They
 * count all the same, since some that end processes for their memory say nothing of it.
 */
export const KILLS_ALLOWED = 20;

export const UNSUSPECTED: Suspicion = { crashes: 0, kills: 0 };

/** @param outside the process was killed by somebody else */
export function afterEnd({ crashes, kills }: Suspicion, outside: boolean): Suspicion {
  return outside ? { crashes, kills: kills + 1 } : { crashes: crashes + 1, kills };
}

/** It is to run alone, so that its next end is blamed on nobody else. */
export function isSuspected({ crashes, kills }: Suspicion): boolean {
  return crashes > 0 || kills > 1;
}

export function isGuilty({ crashes, kills }: Suspicion): boolean {
  return crashes >= CRASHES_ALLOWED || kills >= KILLS_ALLOWED;
}
