import { openingHours, type Queue, weekdayOf } from './call-centre.ts';
import { randomOf } from './random.ts';

/** How many calls a date and an hour bring: weeks, seasons, month ends, and a bad day now and then. */

/** Against a Wednesday; 0 Sunday. Mondays carry what the weekend left. */
const BY_WEEKDAY = [0.16, 1.32, 1.08, 1, 0.97, 0.9, 0.34];

/** Against the year's mean, by month. */
const BY_MONTH = [1.04, 0.96, 0.98, 0.97, 0.98, 0.95, 0.9, 0.92, 1, 1.03, 1.14, 1.12];

/** Shape of an open day by hour of the clock: two peaks and a lunch dip. */
const BY_HOUR = [
  0, 0, 0, 0, 0, 0, 0, 0, 0.75, 1.15, 1.45, 1.35, 0.85, 1.05, 1.35, 1.3, 1.1, 0.85, 0.6, 0.45,
];
const FULL_DAY = BY_HOUR.reduce((sum, share) => sum + share, 0);

/** Chance that a date is an outage of the product: support is called far more often. */
const OUTAGE_CHANCE = 1 / 40;

/** Calls that a queue gets in an hour at this clock time (0 to 24); 0 while it is closed. */
export function callsPerHour(seed: string, queue: Queue, date: string, hour: number): number {
  const hours = openingHours(date);
  if (hours === null || hour < hours[0] || hour >= hours[1]) return 0;
  return (queue.callsPerDay * dayFactor(seed, queue, date) * BY_HOUR[Math.floor(hour)]) / FULL_DAY;
}

/** Calls per hour that reach nobody, while everything is closed. */
export function closedCallsPerHour(hour: number): number {
  if (hour < 6) return 0.25;
  return hour < 21 ? 2.2 : 0.8;
}

/** Share of an ordinary Wednesday's work that a date brings, for calls out and inside. */
export function activityOf(date: string): number {
  return openingHours(date) === null ? 0 : BY_WEEKDAY[weekdayOf(date)] * seasonOf(date);
}

export function seasonOf(date: string): number {
  return BY_MONTH[Number(date.slice(5, 7)) - 1];
}

function dayFactor(seed: string, queue: Queue, date: string): number {
  const random = randomOf(`${seed}|volume|${date}`);
  const mood = random.logNormal(1, 0.08);
  const outage = random.chance(OUTAGE_CHANCE) && queue.name === 'support' ? 1.9 : 1;
  const invoices = queue.name === 'billing' && Number(date.slice(8)) <= 3 ? 1.5 : 1;
  return activityOf(date) * mood * outage * invoices;
}
