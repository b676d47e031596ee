import { FARTHEST_OFFSET_MS } from './day.ts';
import { offsetMsAt, offsetStretches } from './zone.ts';
import { historyOf } from './zone-history.ts';

/** What a clock on the wall shows; `month` counts from 1. A real date and time of day. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms?: number;
}

export interface LocalInstant {
  /** UTC epoch ms. */
  readonly instant: number;
  /** `gap`: the clocks never showed it. `overlap`: they showed it more than once. */
  readonly kind: 'unique' | 'gap' | 'overlap';
}

/**
 * The instant at which the clocks of a zone show a wall time: in an overlap the first one, in a
 * gap the first instant after it. Does not check that the fields are in range.
 */
export function instantOfLocal(zone: string, wall: WallTime): LocalInstant {
  return instantOfWall(zone, wallAsUtcMs(wall));
}

/** {@link instantOfLocal} for a wall time given as the epoch ms it would have in UTC. */
export function instantOfWall(zone: string, wallMs: number): LocalInstant {
  const near = historyOf(zone).stretchAt(wallMs - FARTHEST_OFFSET_MS);
  if (near.end > wallMs + FARTHEST_OFFSET_MS) {
    return { instant: wallMs - near.offsetMs, kind: 'unique' };
  }
  let found: number | null = null;
  let afterGap: number | null = null;
  for (const { start, end, offsetMs } of offsetStretches(
    zone,
    wallMs - FARTHEST_OFFSET_MS,
    wallMs + FARTHEST_OFFSET_MS + 1,
  )) {
    const instant = wallMs - offsetMs;
    if (instant >= start && instant < end) {
      if (found !== null) return { instant: found, kind: 'overlap' };
      found = instant;
    } else if (instant < start) {
      afterGap ??= start;
    }
  }
  if (found !== null) return { instant: found, kind: 'unique' };
  return { instant: afterGap ?? wallMs, kind: 'gap' };
}

/** The wall time of an instant, `YYYY-MM-DD HH:MM:SS`; a fraction of a second is cut off. */
export function localTextOf(zone: string, instantMs: number): string {
  const wall = new Date(instantMs + offsetMsAt(zone, instantMs)).toISOString();
  return `${wall.slice(0, 10)} ${wall.slice(11, 19)}`;
}

function wallAsUtcMs({ year, month, day, hour, minute, second, ms = 0 }: WallTime): number {
  const wallMs = Date.UTC(2000, month - 1, day, hour, minute, second, ms);
  if (year >= 100) return Date.UTC(year, month - 1, day, hour, minute, second, ms);
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  return new Date(wallMs).setUTCFullYear(year, month - 1, day);
}
