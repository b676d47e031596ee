import { startOfDayNumber } from './day.ts';
import { DAY_MS, type DayNumber, dateOf, dayNumberOf } from './day-number.ts';
import type { DayWindow } from './day-window.ts';
import { localTextOf } from './local-time.ts';
import type { Period } from './period.ts';
import { offsetMsAt } from './zone.ts';

/**
 * Which zone makes the days of a tenant: each entry from its local date on, ascending; the first
 * covers all earlier dates too, whatever its `from`.
 *
 * A date starts at its first instant in the zone that is effective on it, and ends where the next
 * day starts. So days touch, also where the zone changes: the last day of the old zone ends where
 * the first day of the new one starts, and is longer or shorter by the difference. Where the new
 * zone is so far ahead that a later date starts before an earlier one would, or with it (a move
 * from UTC-12 to UTC+14), the later date wins: the earlier one has no day, as on a date line.
 * No date before the change but the last two is touched.
 */
export type Calendar = readonly { readonly from: string; readonly zone: string }[];

/** A day that does not start at 00:00, does not last 24 h, or does not exist. */
export interface IrregularDay {
  readonly date: string;
  readonly zone: string;
  /** Length; 0 when the date does not exist. */
  readonly hours: number;
  /** Wall time of the first instant, `HH:MM:SS`; null when the date does not exist. */
  readonly startsAt: string | null;
}

/** Farther ahead no date can start as early as this one: offsets differ by less than 34 hours. */
const LOOK_AHEAD_DAYS = 4;

/** The calendar of one zone for all dates. */
export function calendarOf(zone: string): Calendar {
  return [{ from: '0001-01-01', zone }];
}

/** The zone that is effective on a local date. */
export function zoneOn(calendar: Calendar, date: string): string {
  let zone = calendar[0].zone;
  for (let i = 1; i < calendar.length && calendar[i].from <= date; i++) zone = calendar[i].zone;
  return zone;
}

/**
 * The days of a period, ascending: they touch, never overlap, are never empty. Dates that do not
 * exist have no day; a period of such dates alone has none at all.
 */
export function daysOf(calendar: Calendar, period: Period): DayWindow[] {
  return daysBetween(calendar, dayNumberOf(period.from), dayNumberOf(period.to));
}

/**
 * From the first day's start to the last one's end. Where no date of the period exists the window is
 * empty and stands where the dates would: at the start of the next day.
 */
export function windowOf(
  calendar: Calendar,
  period: Period,
): { readonly start: number; readonly end: number } {
  const days = daysOf(calendar, period);
  if (days.length > 0) return { start: days[0].start, end: days[days.length - 1].end };
  const last = dayNumberOf(period.to);
  const [{ start }] = daysBetween(calendar, last + 1, last + LOOK_AHEAD_DAYS);
  return { start, end: start };
}

/** The day to whose window an instant belongs. Every instant has exactly one. */
export function dayAt(calendar: Calendar, instantMs: number): DayWindow {
  const near = Math.floor(instantMs / DAY_MS);
  for (const day of daysBetween(calendar, near - 3, near + 3)) {
    if (instantMs >= day.start && instantMs < day.end) return day;
  }
  throw new RangeError(`${instantMs} is not an instant of the years 1 to 9999`);
}

/** {@link dayAt} for the calendar of one zone. */
export function dayOf(zone: string, instantMs: number): DayWindow {
  return dayAt(calendarOf(zone), instantMs);
}

/** What people must be told about the days of a period; see {@link IrregularDay}. */
export function irregularDaysOf(calendar: Calendar, period: Period): IrregularDay[] {
  const irregular: IrregularDay[] = [];
  const last = dayNumberOf(period.to);
  let due = dayNumberOf(period.from);
  const missingUntil = (end: DayNumber) => {
    for (; due < end; due++) {
      const date = dateOf(due);
      irregular.push({ date, zone: zoneOn(calendar, date), hours: 0, startsAt: null });
    }
  };
  for (const { date, zone, start, end } of daysOf(calendar, period)) {
    const day = dayNumberOf(date);
    missingUntil(day);
    due = day + 1;
    if (end - start === DAY_MS && start + offsetMsAt(zone, start) === day * DAY_MS) continue;
    const startsAt = localTextOf(zone, start).slice(11);
    irregular.push({ date, zone, hours: (end - start) / 3_600_000, startsAt });
  }
  missingUntil(last + 1);
  return irregular;
}

function daysBetween(calendar: Calendar, first: DayNumber, last: DayNumber): DayWindow[] {
  const changes = calendar.slice(1).map(({ from, zone }) => ({ from: dayNumberOf(from), zone }));
  let effective = changes.length;
  const days: DayWindow[] = [];
  let nextStart = Number.POSITIVE_INFINITY;
  for (let day = last + LOOK_AHEAD_DAYS; day >= first; day--) {
    while (effective > 0 && changes[effective - 1].from > day) effective--;
    const zone = effective > 0 ? changes[effective - 1].zone : calendar[0].zone;
    const start = startOfDayNumber(zone, day);
    if (start === null || start >= nextStart) continue;
    if (day <= last) days.push({ date: dateOf(day), zone, start, end: nextStart });
    nextStart = start;
  }
  return days.reverse();
}
