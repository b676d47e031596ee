import { type CronExpression, cronFitsDate } from './cron-expression.ts';
import { startOfDayNumber } from './day.ts';
import { DAY_MS, type DayNumber } from './day-number.ts';
import { instantOfWall } from './local-time.ts';
import { offsetMsAt } from './zone.ts';

/** One due time of a rule. */
export interface Occurrence {
  /** What the rule names, `YYYY-MM-DD HH:MM`; each is due once, whatever the clocks do. */
  readonly nominal: string;
  /** When that is, UTC epoch ms: in a gap the first instant after it, in an overlap the first. */
  readonly instant: number;
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
  // The clocks a moment earlier: so that a gap that ends just now has not passed yet.
  const moment = options.inclusive ? 1 : 0;
  const wallMs = after + offsetMsAt(zone, after - moment);
  for (const occurrence of occurrencesFrom(cron, zone, wallMs)) {
    if (occurrence.instant > after - moment) return occurrence;
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
  const wallMs = Date.parse(`${nominal.replace(' ', 'T')}:00Z`) + 60_000;
  for (const occurrence of occurrencesFrom(cron, zone, wallMs)) return occurrence;
  return null;
}

/** Occurrences by nominal time, from a wall time (given as its epoch ms in UTC) on. */
function* occurrencesFrom(
  cron: CronExpression,
  zone: string,
  wallMs: number,
): Generator<Occurrence> {
  const firstDay = Math.floor(wallMs / DAY_MS);
  for (let day = firstDay; day <= firstDay + LONGEST_WAIT_DAYS; day++) {
    if (!fitsDay(cron, day) || startOfDayNumber(zone, day) === null) continue;
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const nominalMs = day * DAY_MS + (hour * 60 + minute) * 60_000;
        if (nominalMs < wallMs) continue;
        const nominal = new Date(nominalMs).toISOString().slice(0, 16).replace('T', ' ');
        yield { nominal, instant: instantOfWall(zone, nominalMs).instant };
      }
    }
  }
}

function fitsDay(cron: CronExpression, day: DayNumber): boolean {
  const date = new Date(day * DAY_MS);
  return cronFitsDate(cron, {
    month: date.getUTCMonth() + 1,
    dayOfMonth: date.getUTCDate(),
    dayOfWeek: date.getUTCDay(),
  });
}
