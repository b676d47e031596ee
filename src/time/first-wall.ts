import { FARTHEST_OFFSET_MS } from './day.ts';
import { offsetStretches } from './zone.ts';

/** What a clock shows within a day before an instant bears on it; no change of clocks is longer. */
const LOOK_BACK_MS = 2 * FARTHEST_OFFSET_MS;

/**
 * The least wall time (as the epoch ms that it would be in UTC) that `instantOfWall` puts at this
 * instant or later. Wall times never go back in instants, so a window of instants is one range of
 * wall times: from that of its start to that of its end. Those that the clocks skipped fall to the
 * instant after the gap; of those shown twice only the first time counts.
 */
export function firstWallFrom(zone: string, instantMs: number): number {
  let shownBefore = Number.NEGATIVE_INFINITY;
  for (const { start, end, offsetMs } of offsetStretches(
    zone,
    instantMs - LOOK_BACK_MS,
    instantMs + 1,
  )) {
    if (end <= instantMs) {
      shownBefore = Math.max(shownBefore, end + offsetMs);
    } else {
      const shown = instantMs + offsetMs;
      // At the first instant after a change: what was skipped belongs to it.
      return start === instantMs ? shownBefore : Math.max(shown, shownBefore);
    }
  }
  throw new RangeError(`${instantMs} is not an instant`);
}
