import { DAY_MS, type DayNumber, dateOf, dayNumberOf } from './day-number.ts';
import { offsetMsAt, offsetStretches } from './zone.ts';
import { historyOf } from './zone-history.ts';

/** No zone has ever been farther from UTC than this. */
export const FARTHEST_OFFSET_MS = 17 * 3_600_000;

/**
 * The first instant (UTC epoch ms) at which the clocks of a zone bear a date, which is not always
 * midnight: that may not exist, or happen twice. Null: the date does not exist there.
 * @param date `YYYY-MM-DD`
 */
export function startOfDay(zone: string, date: string): number | null {
  return startOfDayNumber(zone, dayNumberOf(date));
}

/** {@link startOfDay} for a date that is already a number. */
export function startOfDayNumber(zone: string, day: DayNumber): number | null {
  const midnight = day * DAY_MS;
  const from = midnight - FARTHEST_OFFSET_MS;
  const until = midnight + DAY_MS + FARTHEST_OFFSET_MS;
  const stretch = historyOf(zone).stretchAt(from);
  if (stretch.end >= until) return midnight - stretch.offsetMs;
  for (const { start, end, offsetMs } of offsetStretches(zone, from, until)) {
    const first = Math.max(start, midnight - offsetMs);
    if (first < Math.min(end, midnight + DAY_MS - offsetMs)) return first;
  }
  return null;
}

/**
 * The date that the clocks of a zone show at an instant. The *day* to which a row belongs is a
 * window and may differ, where clocks that go back across midnight show yesterday's date once
 * more: `dayOf` in calendar.ts tells it.
 */
export function localDateOf(zone: string, instantMs: number): string {
  return dateOf(Math.floor((instantMs + offsetMsAt(zone, instantMs)) / DAY_MS));
}
