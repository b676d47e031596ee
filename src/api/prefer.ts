import { DaybookError } from '../errors.ts';

/** Longest time that a request may wait for its run. */
export const LONGEST_WAIT_SECONDS = 60;

/**
 * `Prefer: wait=N` of RFC 7240 in seconds, at most {@link LONGEST_WAIT_SECONDS}; 0 without it.
 * Other preferences are passed over, as the RFC asks.
 * @throws DaybookError `E_USAGE` for a wait that is no whole number.
 */
export function waitSecondsOf(header: string | string[] | undefined): number {
  const preferences = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(/[,;]/);
  const wait = preferences.map((each) => /^\s*wait\s*=\s*(.*?)\s*$/i.exec(each)?.[1]).find(Boolean);
  if (wait === undefined) return 0;
  const seconds = /^(?:(\d{1,9})|"(\d{1,9})")$/.exec(wait);
  if (!seconds) {
    throw new DaybookError('E_USAGE', {
      where: 'Prefer',
      got: JSON.stringify(`wait=${wait.slice(0, 100)}`),
      expected: 'wait=N with whole seconds',
    });
  }
  return Math.min(LONGEST_WAIT_SECONDS, Number(seconds[1] ?? seconds[2]));
}
