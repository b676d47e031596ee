/** What a day has to answer for when the thread or the process it ran in ended. Pure. */

/**
 * How a day ended under way. `hung`: its thread, and it alone. `crashed`: its thread or process, in
 * a way that another day there may be to blame for. `killed`: its process, by somebody else.
 */
export type DayEnd = 'hung' | 'crashed' | 'killed';

export type Suspicion = Readonly<Record<DayEnd, number>>;

/** A day that hung or crashed so often is not tried again. */
export const TRIES = 2;
/**
 * Who kills from outside means the process, not the day: it takes many to make a day guilty. They
 * count all the same, since some that end processes for their memory say nothing of it.
 */
export const KILLS_ALLOWED = 20;

export const UNSUSPECTED: Suspicion = { hung: 0, crashed: 0, killed: 0 };

export function afterEnd(suspicion: Suspicion, end: DayEnd): Suspicion {
  return { ...suspicion, [end]: suspicion[end] + 1 };
}

/** It is to run alone in its process, so that the next crash is blamed on nobody else. */
export function isSuspected({ crashed, killed }: Suspicion): boolean {
  return crashed > 0 || killed > 1;
}

export function isGuilty({ hung, crashed, killed }: Suspicion): boolean {
  return hung + crashed >= TRIES || killed >= KILLS_ALLOWED;
}
