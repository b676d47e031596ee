import { type Calendar, calendarOf, dayAt } from '../time/calendar.ts';
import { addDays, dayNumberOf } from '../time/day-number.ts';
import type { DayWindow } from '../time/day-window.ts';
import type { Period } from '../time/period.ts';
import { canonicalJson } from './canonical-json.ts';
import type { DatasetName } from './dataset.ts';
import { listReportKinds, reportKind } from './registry.ts';
import type { Filter, ParamValue, ReportName, ReportRequest } from './request.ts';

/** What tenants really use, counted from what they asked for. */

/** A request without its period: what is asked for again and again, for other days. */
export type AskedForm = FileForm | SummaryForm;

export interface FileForm extends Omit<ReportRequest, 'period' | 'cache'> {
  readonly kind: 'file';
}

export interface SummaryForm {
  readonly kind: 'summary';
  readonly report: ReportName;
  readonly zone: string | null;
  readonly where: readonly Filter[];
  readonly params: Readonly<Record<string, ParamValue>>;
  /** Dimensions, without the day. */
  readonly by: readonly string[];
}

/** Requests of one form. */
export interface UsedForm {
  readonly form: AskedForm;
  readonly asks: readonly Ask[];
}

/** Those for one period that came close together. */
export interface Ask {
  readonly period: Period;
  /** The last of them, UTC epoch ms. */
  readonly askedAt: number;
  readonly times: number;
}

/**
 * How a period lay when it was asked for: yesterday alone; from the first of its month to yesterday
 * or today; any other that reaches yesterday; one that ended up to a week before; today alone;
 * one that ended earlier.
 */
export const REACHES = [
  'yesterday',
  'month_so_far',
  'to_yesterday',
  'last_week',
  'today',
  'older',
] as const;
export type Reach = (typeof REACHES)[number];

export const NO_REACHES = Object.fromEntries(REACHES.map((reach) => [reach, 0])) as Readonly<
  Record<Reach, number>
>;

/** Such a period asks for a day that was yesterday not long ago. */
const FRESH: readonly Reach[] = ['yesterday', 'month_so_far', 'to_yesterday', 'last_week'];
const WEEK_DAYS = 7;

/** The use of one form by one tenant. */
export interface Demand {
  readonly form: AskedForm;
  /** A schedule needs its newest day next time, whether or not anybody asked for it before. */
  readonly scheduled: boolean;
  readonly times: number;
  readonly reaches: Readonly<Record<Reach, number>>;
  /** On how many local dates fresh days were asked for. */
  readonly freshDates: number;
  /** UTC epoch ms. */
  readonly lastAskedAt: number;
  /** Fresh days were asked for one at a time. */
  readonly oneDay: boolean;
  /** The most days of a period with fresh days, where it had several; else 0. */
  readonly longestDays: number;
}

/**
 * Those of the most dates first. Forms of reports that are gone are left out.
 * @param clockOf shared by tenants of one calendar, whose dates are then worked out once
 */
export function countDemand(
  used: readonly UsedForm[],
  own: Calendar,
  clockOf: (calendar: Calendar) => Clock = openClocks(),
): Demand[] {
  const known = new Set(listReportKinds().map(({ name }) => name));
  return used
    .filter(({ form }) => known.has(form.report))
    .map(({ form, asks }) => ({
      name: canonicalJson(form),
      demand: demandOf(form, asks, clockOf(calendarOfForm(form, own))),
    }))
    .sort((a, b) => byUse(a.demand, b.demand) || (a.name < b.name ? -1 : 1))
    .map(({ demand }) => demand);
}

/** How a period lies seen from an instant. */
function reachOf(
  { from, to }: Period,
  { today, yesterday }: { readonly today: string; readonly yesterday: string },
): Reach {
  if (from > yesterday) return 'today';
  if (to < yesterday) return to > addDays(yesterday, -WEEK_DAYS) ? 'last_week' : 'older';
  if (from === to) return 'yesterday';
  const month = from.slice(0, 7);
  const soFar = from.endsWith('-01') && [yesterday, today].some((at) => at.startsWith(month));
  return soFar ? 'month_so_far' : 'to_yesterday';
}

/** The day that ends where this one starts; also across dates that do not exist. */
export function dayBefore(calendar: Calendar, day: DayWindow): DayWindow {
  return dayAt(calendar, day.start - 1);
}

/** The calendar that makes the days of a form. */
export function calendarOfForm({ zone }: Pick<AskedForm, 'zone'>, own: Calendar): Calendar {
  return zone === null ? own : calendarOf(zone);
}

export function datasetOfForm({ report }: Pick<AskedForm, 'report'>): DatasetName {
  return reportKind(report).dataset;
}

/** The dates at an instant. */
export type Clock = (instantMs: number) => { readonly today: string; readonly yesterday: string };

/** Gives the clock of a calendar, which works out each day once. */
export function openClocks(): (calendar: Calendar) => Clock {
  const clocks = new Map<string, Clock>();
  return (calendar) => {
    const name = canonicalJson(calendar);
    const clock = clocks.get(name) ?? openClock(calendar);
    clocks.set(name, clock);
    return clock;
  };
}

function openClock(calendar: Calendar): Clock {
  const days: { readonly day: DayWindow; readonly yesterday: string }[] = [];
  return (instantMs) => {
    let found = days.find(({ day }) => day.start <= instantMs && instantMs < day.end);
    if (!found) {
      const day = dayAt(calendar, instantMs);
      found = { day, yesterday: dayBefore(calendar, day).date };
      days.push(found);
    }
    return { today: found.day.date, yesterday: found.yesterday };
  };
}

function demandOf(form: AskedForm, asks: readonly Ask[], clock: Clock): Demand {
  const seen = asks.map((ask) => {
    const dates = clock(ask.askedAt);
    return { ...ask, today: dates.today, reach: reachOf(ask.period, dates) };
  });
  const fresh = seen.filter(({ reach }) => FRESH.includes(reach));
  const several = fresh.filter(({ period }) => period.from !== period.to);
  const timesOf = (some: readonly Ask[]) => some.reduce((sum, { times }) => sum + times, 0);
  return {
    form,
    scheduled: false,
    times: timesOf(asks),
    reaches: Object.fromEntries(
      REACHES.map((reach) => [reach, timesOf(seen.filter((ask) => ask.reach === reach))]),
    ) as Record<Reach, number>,
    freshDates: new Set(fresh.map(({ today }) => today)).size,
    lastAskedAt: Math.max(...asks.map(({ askedAt }) => askedAt)),
    oneDay: several.length < fresh.length,
    longestDays: Math.max(0, ...several.map(({ period }) => daysIn(period))),
  };
}

function daysIn({ from, to }: Period): number {
  return dayNumberOf(to) - dayNumberOf(from) + 1;
}

function byUse(a: Demand, b: Demand): number {
  return b.freshDates - a.freshDates || b.times - a.times || b.lastAskedAt - a.lastAskedAt;
}
