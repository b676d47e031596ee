import { calendarOf, daysOf } from '../time/calendar.ts';
import type { DayWindow } from '../time/day-window.ts';
import { callsOfDay } from './calls-of-day.ts';
import type { DemoCall, DemoOrderLine } from './demo-rows.ts';
import { orderLinesOfDay } from './order-lines-of-day.ts';

/** Which rows to generate: the inclusive local dates `from` to `to` of a zone. */
export interface DemoPeriod {
  readonly seed: string;
  readonly zone: string;
  readonly from: string;
  readonly to: string;
}

export interface DemoDay<Row> {
  readonly day: DayWindow;
  /** By anchor instant, then natural key. */
  readonly rows: readonly Row[];
}

/**
 * Believable calls, day by day. A day's rows depend on the seed, the zone and the date alone, so
 * that any period may be generated again, or a day added to it.
 */
export function* generateCalls(of: DemoPeriod): Generator<DemoDay<DemoCall>> {
  for (const day of daysOf(calendarOf(of.zone), of)) yield { day, rows: callsOfDay(of.seed, day) };
}

/** Believable order lines, day by day; see {@link generateCalls}. */
export function* generateOrderLines(of: DemoPeriod): Generator<DemoDay<DemoOrderLine>> {
  for (const day of daysOf(calendarOf(of.zone), of)) {
    yield { day, rows: orderLinesOfDay(of.seed, day) };
  }
}

/** Days as NDJSON under the datasets' names, one piece of bytes per day; what `daybook load` reads. */
export function* ndjsonOf(
  days: Iterable<DemoDay<DemoCall> | DemoDay<DemoOrderLine>>,
): Generator<Buffer> {
  for (const { rows } of days) {
    let text = '';
    for (const row of rows) text += `${JSON.stringify(row, instantsAsText)}\n`;
    yield Buffer.from(text);
  }
}

function instantsAsText(name: string, value: unknown): unknown {
  return name.endsWith('_at') && typeof value === 'number' ? new Date(value).toISOString() : value;
}
