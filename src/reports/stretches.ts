import { type OffsetStretch, offsetStretches } from '../time/zone.ts';

/** Rows of a window may carry instants of other days; offsets are looked up this far around it. */
const BEYOND_MS = 400 * 86_400_000;

export function stretchesAround(window: {
  readonly zone: string;
  readonly start: number;
  readonly end: number;
}): OffsetStretch[] {
  return offsetStretches(window.zone, window.start - BEYOND_MS, window.end + BEYOND_MS);
}
