import { OLDEST_READING_MS, openZoneClock, type ZoneClock } from './zone-clock.ts';

/** A half-open span of instants (UTC epoch ms) during which a zone keeps one offset. */
export interface OffsetStretch {
  readonly start: number;
  readonly end: number;
  /** Milliseconds east of UTC. */
  readonly offsetMs: number;
}

const HOUR_MS = 3_600_000;
const SECOND_MS = 1_000;

/**
 * Two readings this far apart enclose at most one change of offset: in all of the tz database
 * the nearest two changes of a zone lie almost seven days apart (Recife 2000, Gaza 2040), which
 * a test checks in the files themselves.
 */
const SAMPLE_STEP_MS = 6 * 86_400_000;

/** What is known of one zone: its stretches, cut at UTC new years, found when first asked for. */
export class ZoneHistory {
  readonly #clock: ZoneClock;
  readonly #years = new Map<number, readonly OffsetStretch[]>();
  #latest: OffsetStretch;

  constructor(clock: ZoneClock) {
    this.#clock = clock;
    this.#latest = {
      start: Number.NEGATIVE_INFINITY,
      end: OLDEST_READING_MS,
      offsetMs: clock.readOffsetMs(OLDEST_READING_MS),
    };
    this.#years.set(new Date(OLDEST_READING_MS).getUTCFullYear() - 1, [this.#latest]);
  }

  /** The stretch of an instant; neighbours may have the same offset when a new year parts them. */
  stretchAt(instantMs: number): OffsetStretch {
    const latest = this.#latest;
    if (instantMs >= latest.start && instantMs < latest.end) return latest;
    const stretches = this.#stretchesOfYear(instantMs);
    let found = stretches[0];
    for (let i = 1; i < stretches.length && stretches[i].start <= instantMs; i++) {
      found = stretches[i];
    }
    this.#latest = found;
    return found;
  }

  #stretchesOfYear(instantMs: number): readonly OffsetStretch[] {
    const oldest = new Date(OLDEST_READING_MS).getUTCFullYear() - 1;
    const year = Math.max(new Date(instantMs).getUTCFullYear(), oldest);
    const known = this.#years.get(year);
    if (known !== undefined) return known;
    const found = findStretches(this.#clock, Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1));
    this.#years.set(year, found);
    return found;
  }
}

function findStretches(clock: ZoneClock, start: number, end: number): OffsetStretch[] {
  const found: OffsetStretch[] = [];
  let stretchStart = start;
  let offsetMs = clock.readOffsetMs(start);
  for (let before = start; before < end; before += SAMPLE_STEP_MS) {
    const after = Math.min(before + SAMPLE_STEP_MS, end);
    const offsetAfter = clock.readOffsetMs(after);
    if (offsetAfter === offsetMs) continue;
    const change = findChange(clock, before, after, offsetMs);
    if (change === end) break;
    found.push({ start: stretchStart, end: change, offsetMs });
    stretchStart = change;
    offsetMs = offsetAfter;
  }
  found.push({ start: stretchStart, end, offsetMs });
  return found;
}

/**
 * The first whole second after `before` at which the offset is no longer `offsetBefore`. Nearly all
 * changes fall on a whole hour of UTC, and are found in half the readings.
 */
function findChange(clock: ZoneClock, before: number, after: number, offsetBefore: number): number {
  const hour = bisect(clock, before, after, offsetBefore, HOUR_MS);
  if (clock.readOffsetMs(hour - SECOND_MS) === offsetBefore) return hour;
  return bisect(clock, hour - HOUR_MS, hour, offsetBefore, SECOND_MS);
}

/** The first multiple of `unitMs` after `before` with another offset; `after` has one. */
function bisect(
  clock: ZoneClock,
  before: number,
  after: number,
  offsetBefore: number,
  unitMs: number,
): number {
  let still = before / unitMs;
  let changed = after / unitMs;
  while (changed - still > 1) {
    const middle = Math.floor((still + changed) / 2);
    if (clock.readOffsetMs(middle * unitMs) === offsetBefore) still = middle;
    else changed = middle;
  }
  return changed * unitMs;
}

const histories = new Map<string, ZoneHistory>();

/** The history of a zone, shared by all its callers and by the aliases of the zone. */
export function historyOf(zone: string): ZoneHistory {
  const known = histories.get(zone);
  if (known !== undefined) return known;
  const clock = openZoneClock(zone);
  const history = histories.get(clock.filedAs) ?? new ZoneHistory(clock);
  histories.set(clock.filedAs, history);
  histories.set(zone, history);
  return history;
}
