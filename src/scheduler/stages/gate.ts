import type { ScheduleSpec } from '../../reports/schedule-spec.ts';
import { GRACE_MS, isSettled } from '../../reports/settled.ts';
import { type Calendar, daysOf } from '../../time/calendar.ts';
import type { DayWindow } from '../../time/day-window.ts';
import { localTextOf } from '../../time/local-time.ts';
import type { Period } from '../../time/period.ts';
import { CATCH_UP_MS } from './plan-due.ts';

/** Nothing is made before its data is complete, unless its tenant wants it marked. */

export interface AtGate {
  readonly dueAt: number;
  readonly period: Period;
  readonly spec: Pick<ScheduleSpec, 'ifIncomplete' | 'holdHours'>;
  /** Of the report's days. */
  readonly calendar: Calendar;
  readonly dataset: string;
  /** UTC epoch ms of the dataset's mark; null: nobody ever marked it. */
  readonly completeThrough: number | null;
  /** Since an earlier look; null: it was not held yet. */
  readonly holdUntil: number | null;
}

export type Verdict =
  | { readonly kind: 'make'; readonly incompleteDays: readonly string[] }
  | {
      readonly kind: 'hold';
      readonly reason: string;
      readonly until: number;
      /** What its owner is told; null: nothing, since the end of the wait is known. */
      readonly tell: 'held' | 'overdue' | null;
    }
  | { readonly kind: 'give-up'; readonly reason: string };

/** As of `now`, UTC epoch ms. */
export function passGate(at: AtGate, now: number): Verdict {
  const { completeThrough, spec } = at;
  const open = daysOf(at.calendar, at.period).filter(
    (day) => !isSettled(day, completeThrough, now),
  );
  if (open.length === 0) return { kind: 'make', incompleteDays: [] };
  const until = at.holdUntil ?? now + spec.holdHours * 3_600_000;
  const reason = whyHeld(open[0], at);
  const overdue = now >= until;
  if (overdue && spec.ifIncomplete === 'send_marked') {
    return { kind: 'make', incompleteDays: open.map(({ date }) => date) };
  }
  if (now - Math.max(at.dueAt, until) > CATCH_UP_MS) return { kind: 'give-up', reason };
  const waitsForMark = completeThrough !== null;
  const tell = overdue ? 'overdue' : waitsForMark ? 'held' : null;
  return { kind: 'hold', reason, until, tell };
}

function whyHeld(day: DayWindow, { dataset, completeThrough }: AtGate): string {
  const local = (instant: number) => `${localTextOf(day.zone, instant).slice(0, 16)} (${day.zone})`;
  return completeThrough === null
    ? `${day.date} may still get ${dataset}; it counts as complete at ${local(day.end + GRACE_MS)}`
    : `${dataset} are complete through ${local(completeThrough)} only, and ${day.date} ends at ${local(day.end)}`;
}
