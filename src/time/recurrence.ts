import { type Calendar, calendarOf, daysOf, zoneOn } from './calendar.ts';
import { type CronExpression, cronFitsDate } from './cron-expression.ts';
import { startOfDayNumber } from './day.ts';
import { DAY_MS, type DayNumber, dateOf } from './day-number.ts';
import { instantOfWall } from './local-time.ts';
import { offsetMsAt } from './zone.ts';

/** One due time of a rule. */
export interface Occurrence {
  /** What the rule names, `YYYY-MM-DD HH:MM`; each is due once, whatever the clocks do. */
  readonly nominal: string;
  /** When that is, UTC epoch ms: in a gap the first instant after it, in an overlap the first. */
  readonly instant: number;
}

/** One due time in a calendar whose zone may change. */
export interface DueTime extends Occurrence {
  /** Whose clocks name it: the zone that is effective on its date. */
  readonly zone: string;
  /** Whether the clocks show it once, never or more than once. */
  readonly kind: 'unique' | 'gap' | 'overlap';
}

/** 29 February comes again within eight years, also across 2100. */
const LONGEST_WAIT_DAYS = 9 * 366;

/**
 * The first occurrence after an instant, or at it when `inclusive`. Dates that do not exist in
 * the zone have none. Several nominal times that fall into one gap are due at the same instant;
 * only the first of them is found here: {@link nextNominal} walks through all.
 * Null: none within nine years.
 */
export function nextOccurrence(
  cron: CronExpression,
  zone: string,
  after: number,
  options: { readonly inclusive: boolean } = { inclusive: false },
): Occurrence | null {
  const due = nextDueAfter(cron, calendarOf(zone), after, options);
  return due && { nominal: due.nominal, instant: due.instant };
}

/** {@link nextOccurrence} in a calendar. */
export function nextDueAfter(
  cron: CronExpression,
  calendar: Calendar,
  after: number,
  options: { readonly inclusive: boolean } = { inclusive: false },
): DueTime | null {
  // The clocks a moment earlier: so that a gap that ends just now has not passed yet.
  const moment = options.inclusive ? 1 : 0;
  const wallMs = Math.min(...calendar.map(({ zone }) => after + offsetMsAt(zone, after - moment)));
  for (const due of dueTimesFrom(cron, calendar, wallMs)) {
    if (due.instant > after - moment) return due;
  }
  return null;
}

/**
 * The next nominal time after another, `YYYY-MM-DD HH:MM`: how a schedule advances. Never skips
 * one, and gives each once. Null: none within nine years.
 */
export function nextNominal(
  cron: CronExpression,
  zone: string,
  nominal: string,
): Occurrence | null {
  const due = nextDueOf(cron, calendarOf(zone), nominal);
  return due && { nominal: due.nominal, instant: due.instant };
}

/** {@link nextNominal} in a calendar. */
export function nextDueOf(
  cron: CronExpression,
  calendar: Calendar,
  nominal: string,
): DueTime | null {
  for (const due of dueTimesFrom(cron, calendar, wallMsOf(nominal) + 60_000)) return due;
  return null;
}

/** The first one whose nominal time is this or later. */
export function firstDueFrom(
  cron: CronExpression,
  calendar: Calendar,
  nominal: string,
): DueTime | null {
  for (const due of dueTimesFrom(cron, calendar, wallMsOf(nominal))) return due;
  return null;
}

/** When a nominal time is due, by the zone that is effective on its date. */
export function dueTimeOf(calendar: Calendar, nominal: string): DueTime {
  const zone = zoneOn(calendar, nominal.slice(0, 10));
  return { nominal, zone, ...instantOfWall(zone, wallMsOf(nominal)) };
}

/** Due times by nominal time, from a wall time (given as its epoch ms in UTC) on. */
function* dueTimesFrom(
  cron: CronExpression,
  calendar: Calendar,
  wallMs: number,
): Generator<DueTime> {
  const firstDay = Math.floor(wallMs / DAY_MS);
  for (let day = firstDay; day <= firstDay + LONGEST_WAIT_DAYS; day++) {
    if (!fitsDay(cron, day) || !existsIn(calendar, day)) continue;
    const zone = calendar.length === 1 ? calendar[0].zone : zoneOn(calendar, dateOf(day));
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const nominalMs = day * DAY_MS + (hour * 60 + minute) * 60_000;
        if (nominalMs < wallMs) continue;
        const nominal = new Date(nominalMs).toISOString().slice(0, 16).replace('T', ' ');
        yield { nominal, zone, ...instantOfWall(zone, nominalMs) };
      }
    }
  }
}

function existsIn(calendar: Calendar, day: DayNumber): boolean {
  if (calendar.length === 1) return startOfDayNumber(calendar[0].zone, day) !== null;
  const date = dateOf(day);
  return daysOf(calendar, { from: date, to: date }).length === 1;
}

function fitsDay(cron: CronExpression, day: DayNumber): boolean {
  const date = new Date(day * DAY_MS);
  return cronFitsDate(cron, {
    month: date.getUTCMonth() + 1,
    dayOfMonth: date.getUTCDate(),
    dayOfWeek: date.getUTCDay(),
    daysInMonth: new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  });
}

function wallMsOf(nominal: string): number {
  return Date.parse(`${nominal.replace(' ', 'T')}:00Z`);
}
