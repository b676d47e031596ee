/** How long after its end a day waits for late rows, where nobody marks completeness: 2 h. */
export const GRACE_MS = 2 * 3_600_000;

/**
 * Whether a day's rows are thought to be all there. With an explicit mark: when the mark has
 * passed the day's end; without one: a grace after the end. A day that is still going on never is.
 *
 * @param completeThrough UTC epoch ms of the mark; null without one
 */
export function isSettled(
  day: { readonly end: number },
  completeThrough: number | null,
  now: number,
): boolean {
  if (day.end > now) return false;
  return completeThrough === null ? day.end + GRACE_MS <= now : completeThrough >= day.end;
}
