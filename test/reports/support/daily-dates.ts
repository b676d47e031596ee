import { ruleOf } from '../../../src/reports/schedule-rule.ts';
import { calendarOf, daysOf } from '../../../src/time/calendar.ts';
import type { Period } from '../../../src/time/period.ts';
import { firstDueFrom, nextDueOf } from '../../../src/time/recurrence.ts';

/**
 * Walks daily schedules through a period: each date that exists must be due once, within its own
 * day and after the one before. What is wrong is added; answers how many dates there were.
 */
export function wrongDates(
  zone: string,
  period: Period,
  times: readonly string[],
  wrong: string[],
): number {
  const calendar = calendarOf(zone);
  const days = daysOf(calendar, period);
  for (const at of times) {
    const rule = ruleOf({ every: 'day', on: null, at, cron: null });
    let due = firstDueFrom(rule, calendar, `${period.from} 00:00`);
    let before = Number.NEGATIVE_INFINITY;
    for (const { date, start, end } of days) {
      if (due === null || due.nominal !== `${date} ${at}`) {
        wrong.push(`${zone} ${date}: ${due?.nominal}`);
      } else if (due.instant < start || due.instant >= end || due.instant <= before) {
        wrong.push(`${zone} ${due.nominal}: ${new Date(due.instant).toISOString()}`);
      }
      before = due?.instant ?? before;
      due = due && nextDueOf(rule, calendar, due.nominal);
    }
  }
  return days.length;
}
