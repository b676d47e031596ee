import { type Calendar, calendarOf } from '../time/calendar.ts';
import { type CronExpression, parseCron } from '../time/cron-expression.ts';
import { localDateOf } from '../time/day.ts';
import { addDays } from '../time/day-number.ts';
import { type DueTime, firstDueFrom, nextDueAfter } from '../time/recurrence.ts';
import type { ScheduleSpec } from './schedule-spec.ts';

/** When a schedule is due. */

export type Timing = Pick<ScheduleSpec, 'every' | 'on' | 'at' | 'cron'>;

export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** The rule of a schedule as the recurrence reads it. A short month ends a monthly rule's month. */
export function ruleOf({ every, on, at, cron }: Timing): CronExpression {
  const [hour, minute] = (at ?? '00:00').split(':').map(Number);
  const daily = `${minute} ${hour} * *`;
  switch (every) {
    case 'day':
      return parseCron(`${daily} *`);
    case 'weekdays':
      return parseCron(`${daily} 1-5`);
    case 'week':
      return parseCron(`${daily} ${on}`);
    case 'month':
      return { ...parseCron(`${daily} *`), dayOrLast: on === 'last' ? 31 : Number(on) };
    case 'cron':
      return parseCron(cron ?? '', 'cron');
  }
}

/** The calendar that names a schedule's due times and makes its days. */
export function calendarOfSpec(spec: Pick<ScheduleSpec, 'zone'>, tenant: Calendar): Calendar {
  return spec.zone === null ? tenant : calendarOf(spec.zone);
}

/** What a schedule owed when it was edited. */
export interface Before {
  /** The newest nominal time that was planned; null: none ever was. */
  readonly lastNominal: string | null;
  /** What it would have been due next; null: never again, or it was paused. */
  readonly nextNominal: string | null;
}

/**
 * The first due time of a schedule that is new as of `now`, UTC epoch ms. Where it replaces another,
 * no date is served twice and none is left out: a date that was served is over (of a cron rule, what
 * came before the last one), and one that was still owed is still owed, though its hour has passed.
 */
export function firstDue(
  spec: Timing & Pick<ScheduleSpec, 'zone'>,
  tenant: Calendar,
  now: number,
  before: Before = { lastNominal: null, nextNominal: null },
): DueTime | null {
  const rule = ruleOf(spec);
  const calendar = calendarOfSpec(spec, tenant);
  const soonest = nextDueAfter(rule, calendar, now, { inclusive: false });
  if (soonest === null) return null;
  const floor = floorAfter(spec, before.lastNominal);
  return firstDueFrom(rule, calendar, later(owedFrom(spec, before, soonest, now), floor));
}

/** Where what is still owed begins: at the soonest due time, or before it. */
function owedFrom(
  { every }: Timing,
  { nextNominal }: Before,
  soonest: DueTime,
  now: number,
): string {
  if (nextNominal === null) return soonest.nominal;
  if (every === 'cron') return nextNominal < soonest.nominal ? nextNominal : soonest.nominal;
  const date = nextNominal.slice(0, 10);
  return date <= localDateOf(soonest.zone, now) ? `${date} 00:00` : soonest.nominal;
}

/** The earliest nominal time that does not serve a date again. */
function floorAfter({ every }: Timing, lastNominal: string | null): string {
  if (lastNominal === null) return '0001-01-01 00:00';
  if (every !== 'cron') return `${addDays(lastNominal.slice(0, 10), 1)} 00:00`;
  const next = Date.parse(`${lastNominal.slice(0, 16).replace(' ', 'T')}:00Z`) + 60_000;
  return new Date(next).toISOString().slice(0, 16).replace('T', ' ');
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}
