import type { Calendar } from '../time/calendar.ts';
import { localTextOf } from '../time/local-time.ts';
import type { Period } from '../time/period.ts';
import { type DueTime, nextDueOf } from '../time/recurrence.ts';
import { offsetMsAt } from '../time/zone.ts';
import { relativePeriod } from './relative-period.ts';
import { calendarOfSpec, ruleOf } from './schedule-rule.ts';
import type { ScheduleSpec } from './schedule-spec.ts';

/** What a schedule will do, for people to check before it does. */
export interface PreviewedDue {
  /** What the rule names, `YYYY-MM-DD HH:MM`. */
  readonly nominal: string;
  /** What the clocks show then, `YYYY-MM-DD HH:MM`: another time where they skipped the nominal one. */
  readonly local: string;
  readonly zone: string;
  /** UTC epoch ms. */
  readonly instant: number;
  /** Hours and minutes from UTC, such as `+05:30`. */
  readonly utcOffset: string;
  /**
   * `gap`: the clocks skip the nominal time; `overlap`: they show it twice, and this is the first
   * time; `changed`: they were changed since the due time before. Null: nothing of it.
   */
  readonly clockChange: 'gap' | 'overlap' | 'changed' | null;
  /** The report's period. */
  readonly period: Period;
}

export const PREVIEWED = 10;

/** Due times from `first` on, it included. */
export function previewDueTimes(
  spec: ScheduleSpec,
  tenant: Calendar,
  first: DueTime | null,
  count = PREVIEWED,
): PreviewedDue[] {
  const calendar = calendarOfSpec(spec, tenant);
  const rule = ruleOf(spec);
  const previewed: PreviewedDue[] = [];
  let offsetBefore: number | null = null;
  for (let due = first; due !== null && previewed.length < count; ) {
    const { nominal, zone, instant, kind } = due;
    const offset = offsetMsAt(zone, instant);
    const changed = offsetBefore !== null && offsetBefore !== offset;
    previewed.push({
      nominal,
      local: localTextOf(zone, instant).slice(0, 16),
      zone,
      instant,
      utcOffset: offsetText(offset),
      clockChange: kind === 'unique' ? (changed ? 'changed' : null) : kind,
      period: relativePeriod(spec.period, nominal.slice(0, 10), calendar),
    });
    offsetBefore = offset;
    due = nextDueOf(rule, calendar, nominal);
  }
  return previewed;
}

function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const sign = offsetMs < 0 ? '-' : '+';
  return `${sign}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
}
