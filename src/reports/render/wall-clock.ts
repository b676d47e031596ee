import { DAY_MS } from '../../time/day-number.ts';
import { type OffsetStretch, offsetStretches } from '../../time/zone.ts';

/**
 * The zone of a fragment: its name and its offsets over the day. Instants outside the stretches
 * (a call that ends two days later) are looked up by name.
 */
export interface RenderZone {
  readonly name: string;
  readonly stretches: readonly OffsetStretch[];
}

/**
 * Turns instants into wall time and remembers the stretch that it used last; one for each column,
 * because a column's instants lie near each other.
 */
export class WallClock {
  readonly #zone: RenderZone;
  #start = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;
  #offsetMs = 0;

  constructor(zone: RenderZone) {
    this.#zone = zone;
  }

  /** The wall time as the epoch ms that it would have in UTC. */
  wallMsOf(instantMs: number): number {
    if (!(instantMs >= this.#start && instantMs < this.#end)) this.#turnTo(instantMs);
    return instantMs + this.#offsetMs;
  }

  /** Milliseconds east of UTC at the instant. */
  offsetMsAt(instantMs: number): number {
    return this.wallMsOf(instantMs) - instantMs;
  }

  #turnTo(instantMs: number): void {
    const holds = (stretch: OffsetStretch) => instantMs >= stretch.start && instantMs < stretch.end;
    const from = Math.floor(instantMs / DAY_MS) * DAY_MS;
    const stretch =
      this.#zone.stretches.find(holds) ??
      offsetStretches(this.#zone.name, from, from + DAY_MS).find(holds);
    if (stretch === undefined) throw new RangeError(`${instantMs} is not an instant`);
    this.#start = stretch.start;
    this.#end = stretch.end;
    this.#offsetMs = stretch.offsetMs;
  }
}

/** How far from 1970 a clock can show an instant: what `Date` can hold, less a day for offsets. */
export const instantLimitMs = 8.64e15 - DAY_MS;

export function isShowable(instantMs: number): boolean {
  return Math.abs(instantMs) <= instantLimitMs;
}

/** A column's instants lie within days of each other; over more than this somebody mistyped. */
const LONGEST_SPAN_MS = 800 * DAY_MS;

/**
 * The zone's offsets over all instants from `least` to `largest`; none for NaN. Null where they
 * lie so far apart that looking each of them up is less work.
 */
export function stretchesOver(
  zone: RenderZone,
  least: number,
  largest: number,
): readonly OffsetStretch[] | null {
  if (Number.isNaN(least)) return [];
  const [first] = zone.stretches;
  const last = zone.stretches.at(-1);
  if (first && last && first.start <= least && largest < last.end) return zone.stretches;
  if (largest - least > LONGEST_SPAN_MS) return null;
  const from = Math.floor(least / DAY_MS) * DAY_MS;
  return offsetStretches(zone.name, from, Math.floor(largest / DAY_MS) * DAY_MS + DAY_MS);
}

/** The years that {@link dateParts} shows in four digits. */
export interface DateParts {
  /** Four digits; `+` or `-` and six outside the years 0 to 9999, as in ISO 8601. */
  readonly year: string;
  readonly month: string;
  readonly day: string;
}

/** The calendar date of a day, by its number since 1970-01-01. */
export function dateParts(dayNumber: number): DateParts {
  const [, year, month, day] = /^(.+)-(\d\d)-(\d\d)T/.exec(
    new Date(dayNumber * DAY_MS).toISOString(),
  ) as unknown as string[];
  return { year, month, day };
}
