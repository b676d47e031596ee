import type { Calendar } from '../time/calendar.ts';
import { dayAt } from '../time/calendar.ts';
import { dayNumberOf } from '../time/day-number.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Demand, dayBefore, type FileForm, NO_REACHES } from './demand.ts';
import { relativePeriod } from './relative-period.ts';
import type { ReportRequest } from './request.ts';
import { variantsOf } from './schedule-request.ts';
import { calendarOfSpec } from './schedule-rule.ts';
import type { ScheduleSpec } from './schedule-spec.ts';

/** What schedules will need, known before anybody asked for it. */

export interface ComingDue {
  readonly spec: ScheduleSpec;
  /** `YYYY-MM-DD HH:MM` of its next due time. */
  readonly nominal: string;
}

/**
 * The forms of the files that are next due, as far as yesterday, seen from `now` (UTC epoch ms), is a
 * day of theirs: so a weekly report has each of its days made when that ends. Each form once.
 * @param own calendar of the tenant
 */
export function demandOfSchedules(
  coming: readonly ComingDue[],
  own: Calendar,
  now: number,
): Demand[] {
  const demand = new Map<string, Demand>();
  for (const { spec, nominal } of coming) {
    const calendar = calendarOfSpec(spec, own);
    const period = relativePeriod(spec.period, nominal.slice(0, 10), calendar);
    const yesterday = dayBefore(calendar, dayAt(calendar, now)).date;
    if (yesterday < period.from || yesterday > period.to) continue;
    const days = dayNumberOf(period.to) - dayNumberOf(period.from) + 1;
    for (const { request } of variantsOf(spec, period)) {
      const form = formOf(request);
      const name = canonicalJson(form);
      const before = demand.get(name);
      demand.set(name, {
        form,
        ...{ scheduled: true, times: 0, reaches: NO_REACHES, freshDates: 0, lastAskedAt: 0 },
        oneDay: days === 1 || (before?.oneDay ?? false),
        longestDays: Math.max(days === 1 ? 0 : days, before?.longestDays ?? 0),
      });
    }
  }
  return [...demand.values()];
}

/** What is certain goes before what is likely; a form that is both bears the figures of its use. */
export function joinDemand(scheduled: readonly Demand[], asked: readonly Demand[]): Demand[] {
  const certain = new Map(scheduled.map((each) => [canonicalJson(each.form), each]));
  const used = asked.map((each) => {
    const due = certain.get(canonicalJson(each.form));
    if (!due) return each;
    certain.delete(canonicalJson(each.form));
    return {
      ...each,
      scheduled: true,
      oneDay: each.oneDay || due.oneDay,
      longestDays: Math.max(each.longestDays, due.longestDays),
    };
  });
  return [
    ...used.filter((each) => each.scheduled),
    ...certain.values(),
    ...used.filter((each) => !each.scheduled),
  ];
}

/** Scheduled files bear references however many rows they have. */
function formOf({ period: _, cache: __, ...request }: ReportRequest): FileForm {
  const cellRefs = request.cellRefs === 'auto' ? 'always' : request.cellRefs;
  return { ...request, cellRefs, kind: 'file' };
}
