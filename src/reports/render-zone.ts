import { offsetStretches } from '../time/zone.ts';
import type { RenderZone } from './render/row-renderer.ts';

/** What a renderer needs to show instants of this window; others it looks up one by one. */
export function renderZoneOf(window: {
  readonly zone: string;
  readonly start: number;
  readonly end: number;
}): RenderZone {
  const { zone, start, end } = window;
  return { name: zone, stretches: offsetStretches(zone, start, end) };
}
