import { DaybookError } from '../errors.ts';
import { type Calendar, daysOf } from '../time/calendar.ts';
import { addDays, dayNumberOf } from '../time/day-number.ts';
import type { Period } from '../time/period.ts';
import { MOST_LAST_DAYS, RELATIVE_PERIODS, type RelativePeriod } from './schedule-spec.ts';

/** Periods that move with the date on which a schedule is due. None reaches today. */

const LAST_DAYS = /^last-([1-9]\d{0,2})-days$/;
/** More dates in a row than any zone ever skipped. */
const LONGEST_GAP_DAYS = 3;

/** @throws DaybookError `E_PERIOD` */
export function parseRelativePeriod(raw: unknown): RelativePeriod {
  const named = RELATIVE_PERIODS.find((each) => each === raw);
  if (named !== undefined && named !== 'last-N-days') return named;
  const days = typeof raw === 'string' ? Number(LAST_DAYS.exec(raw)?.[1]) : Number.NaN;
  if (days <= MOST_LAST_DAYS) return `last-${days}-days`;
  const text = raw === undefined ? 'nothing' : JSON.stringify(raw)?.slice(0, 64);
  throw new DaybookError('E_PERIOD', {
    where: 'period',
    got: text ?? 'nothing',
    expected: `one of ${RELATIVE_PERIODS.join(', ')}, N from 1 to ${MOST_LAST_DAYS}`,
  });
}

/**
 * The dates that a period means for what is due on `date`: all end before it. A week runs from
 * Monday to Sunday; `month-to-date` is the month of yesterday, up to yesterday; a yesterday that the
 * calendar skipped is the day before that.
 */
export function relativePeriod(period: RelativePeriod, date: string, calendar: Calendar): Period {
  const yesterday = existingBefore(date, calendar);
  switch (period) {
    case 'yesterday':
      return { from: yesterday, to: yesterday };
    case 'previous-week': {
      // 1970-01-01 was a Thursday.
      const sinceMonday = (dayNumberOf(date) + 3) % 7;
      const monday = addDays(date, -sinceMonday - 7);
      return { from: monday, to: addDays(monday, 6) };
    }
    case 'previous-month': {
      const last = addDays(firstOfMonth(date), -1);
      return { from: firstOfMonth(last), to: last };
    }
    case 'month-to-date':
      return { from: firstOfMonth(yesterday), to: yesterday };
    default:
      return { from: addDays(yesterday, 1 - Number(LAST_DAYS.exec(period)?.[1])), to: yesterday };
  }
}

function existingBefore(date: string, calendar: Calendar): string {
  for (let back = 1; back < LONGEST_GAP_DAYS; back++) {
    const before = addDays(date, -back);
    if (daysOf(calendar, { from: before, to: before }).length > 0) return before;
  }
  return addDays(date, -1);
}

function firstOfMonth(date: string): string {
  return `${date.slice(0, 8)}01`;
}
