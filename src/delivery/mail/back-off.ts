import type { SendOutcome } from './send-outcome.ts';

/** When a delivery is tried again. Pure: chance comes in as a number. */

const MINUTE_MS = 60_000;
/** What is not delivered after so long is given up: 3 days, shorter than most bounces take. */
export const GIVE_UP_MS = 3 * 24 * 60 * MINUTE_MS;

/** First pause and longest pause, by whom a failure concerns. */
const PAUSES: Readonly<Record<SendOutcome['concerns'], readonly [number, number]>> = {
  // Greylisting wants some minutes, a full box hours.
  recipient: [5 * MINUTE_MS, 4 * 60 * MINUTE_MS],
  message: [5 * MINUTE_MS, 4 * 60 * MINUTE_MS],
  // A server that restarts is back soon, and nothing is gained by asking each minute for days.
  server: [20_000, 15 * MINUTE_MS],
  // A look at our own disk costs little.
  ourselves: [10_000, 2 * MINUTE_MS],
};

/**
 * Milliseconds until the next attempt: doubled each time up to a bound, and up to a quarter more by
 * chance, so that what failed together does not come back together.
 * @param attempts that were made, 1 or more
 * @param chance 0 to 1
 */
export function pauseMs(
  concerns: SendOutcome['concerns'],
  attempts: number,
  chance: number,
): number {
  const [first, longest] = PAUSES[concerns];
  const pause = Math.min(longest, first * 2 ** Math.min(30, attempts - 1));
  return Math.round(pause * (1 + chance / 4));
}
