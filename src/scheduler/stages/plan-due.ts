import { randomUUID } from 'node:crypto';
import { relativePeriod } from '../../reports/relative-period.ts';
import { calendarOfSpec, ruleOf, type Timing } from '../../reports/schedule-rule.ts';
import type { CatchUp, RelativePeriod } from '../../reports/schedule-spec.ts';
import type { Calendar } from '../../time/calendar.ts';
import type { Period } from '../../time/period.ts';
import { type DueTime, dueTimeOf, nextDueOf } from '../../time/recurrence.ts';

/** What becomes of the due times of one schedule that have come. */

/** Planned this long after it was due, an occurrence is late: 15 min. */
export const LATE_MS = 15 * 60_000;
/** What was missed is made up for this long: 7 days. */
export const CATCH_UP_MS = 7 * 86_400_000;

export interface DueSchedule {
  readonly timing: Timing & { readonly zone: string | null };
  readonly period: RelativePeriod;
  readonly catchUp: CatchUp;
  /** Of the tenant. */
  readonly calendar: Calendar;
  readonly nextNominal: string;
  /** Under what its late mails are gathered, since an earlier pass. */
  readonly catchingUp: string | null;
}

export interface PlannedDue {
  readonly nominal: string;
  readonly zone: string;
  /** UTC epoch ms. */
  readonly instant: number;
  readonly period: Period;
  readonly late: boolean;
  readonly state: 'planned' | 'skipped' | 'missed';
  readonly reason: string | null;
  readonly digestId: string | null;
}

export interface DuePlan {
  /** Oldest first. */
  readonly due: readonly PlannedDue[];
  /** Where the schedule goes on; null: it never comes again. */
  readonly next: DueTime | null;
  readonly catchingUp: string | null;
}

const REASONS = {
  missed: 'nothing was running for more than seven days after it was due',
  none: 'nothing was running when it was due, and this schedule makes up for nothing',
  latest: 'nothing was running when it was due, and a newer one is made instead',
} as const;

/** At most `most` due times, from the schedule's next one on. `now` is UTC epoch ms. */
export function planDue(schedule: DueSchedule, now: number, most: number): DuePlan {
  const calendar = calendarOfSpec(schedule.timing, schedule.calendar);
  const rule = ruleOf(schedule.timing);
  const planned: PlannedDue[] = [];
  let { catchingUp } = schedule;
  let due: DueTime | null = dueTimeOf(calendar, schedule.nextNominal);
  while (due !== null && due.instant <= now && planned.length < most) {
    const { nominal, zone, instant } = due;
    const next = nextDueOf(rule, calendar, nominal);
    const overtaken = next !== null && next.instant <= now;
    const late = now - instant > LATE_MS;
    const why = whyNot(schedule.catchUp, now - instant, late, overtaken);
    if (late && why === null && overtaken) catchingUp ??= randomUUID();
    planned.push({
      ...{ nominal, zone, instant, late },
      period: relativePeriod(schedule.period, nominal.slice(0, 10), calendar),
      state: why === null ? 'planned' : why === 'missed' ? 'missed' : 'skipped',
      reason: why && REASONS[why],
      digestId: late && why === null ? catchingUp : null,
    });
    due = next;
  }
  const behind = due !== null && due.instant <= now;
  return { due: planned, next: due, catchingUp: behind ? catchingUp : null };
}

function whyNot(
  catchUp: CatchUp,
  ageMs: number,
  late: boolean,
  overtaken: boolean,
): keyof typeof REASONS | null {
  if (ageMs > CATCH_UP_MS) return 'missed';
  if (!late || catchUp === 'all') return null;
  if (catchUp === 'none') return 'none';
  return overtaken ? 'latest' : null;
}
