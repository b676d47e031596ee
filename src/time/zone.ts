import { DaybookError } from '../errors.ts';
import { historyOf, type OffsetStretch } from './zone-history.ts';

export type { OffsetStretch } from './zone-history.ts';

/**
 * Names that some versions of Intl take though they are not IANA's; some mean a place in one
 * program and a fixed offset in another (PST in Postgres), so that none of them is a zone here.
 */
const NOT_IANA =
  /^(ACT|AET|AGT|ART|AST|BET|BST|CAT|CNT|CST|CTT|EAT|ECT|IET|IST|JST|MIT|NET|NST|PLT|PNT|PRT|PST|SST|VST|SystemV\/.*|US\/Pacific-New|[+-].*)$/i;

/**
 * A zone by its IANA name, in any case. What comes back is spelled as Intl spells it, or, for an
 * alias (Asia/Kolkata, US/Eastern), as it came. Offsets (`+02:00`) are not zones.
 * @param where the field or argument that the error names
 * @throws DaybookError `E_UNKNOWN_ZONE`
 */
export function parseZone(name: string, where = 'zone'): string {
  const filedAs = NOT_IANA.test(name) ? null : nameKnownToIntl(name);
  if (filedAs === null) {
    throw new DaybookError('E_UNKNOWN_ZONE', { where, got: JSON.stringify(name.slice(0, 64)) });
  }
  return filedAs.toLowerCase() === name.toLowerCase() ? filedAs : name;
}

function nameKnownToIntl(name: string): string | null {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** Milliseconds east of UTC at an instant (UTC epoch ms); exact to the second. */
export function offsetMsAt(zone: string, instantMs: number): number {
  return historyOf(zone).stretchAt(instantMs).offsetMs;
}

/**
 * The offsets of a zone over `[start, end)`: ascending, touching, covering it exactly, neighbours
 * different. Empty when `start` ≥ `end`.
 */
export function offsetStretches(zone: string, start: number, end: number): OffsetStretch[] {
  const history = historyOf(zone);
  const stretches: OffsetStretch[] = [];
  for (let at = start; at < end; ) {
    const stretch = history.stretchAt(at);
    const offsetMs = stretch.offsetMs;
    let until = stretch.end;
    for (let next = stretch; until < end; until = next.end) {
      next = history.stretchAt(until);
      if (next.offsetMs !== offsetMs) break;
    }
    until = Math.min(until, end);
    stretches.push({ start: at, end: until, offsetMs });
    at = until;
  }
  return stretches;
}
