import type { DayWindow } from '../time/day-window.ts';
import { instantOfLocal } from '../time/local-time.ts';

/**
 * Clock times of a day as instants: 0 is its first instant, 24 its end. A clock time that the day
 * skips is the first instant after the gap; of one that it has twice, the first.
 */
export function localClock(day: DayWindow): (hour: number) => number {
  const [year, month, dayOfMonth] = day.date.split('-').map(Number);
  return (hour) => {
    if (hour <= 0) return day.start;
    if (hour >= 24) return day.end;
    const { instant } = instantOfLocal(day.zone, {
      year,
      month,
      day: dayOfMonth,
      hour: Math.floor(hour),
      minute: Math.floor((hour % 1) * 60),
      second: 0,
    });
    return Math.min(Math.max(instant, day.start), day.end);
  };
}
