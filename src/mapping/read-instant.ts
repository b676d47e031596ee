import { readIso } from './iso-time.ts';
import type { FieldSource } from './load-map.ts';
import type { LocalClock } from './local-clock.ts';
import { compileLocate, FOUND, type Locate, MISMATCH } from './locate-text.ts';
import type { RejectCode } from './reject.ts';
import { shown } from './reject.ts';
import type { Row } from './row.ts';
import { Span } from './span.ts';
import { compileTimeFormat } from './time-format.ts';
import { FIRST_INSTANT_MS, LAST_INSTANT_MS } from './value-rule.ts';
import { type TimeReader, WallReading } from './wall-reading.ts';

/** An instant of a row, and the wall time that it came as. */
export interface InstantValue {
  /** UTC epoch ms; NaN: none. */
  instant: number;
  /** The epoch ms that the wall time would be in UTC; NaN: not known. */
  wallMs: number;
  /** The clocks showed this wall time twice; the first was taken. */
  ambiguous: boolean;
}

/** Why a text is no instant; null: it is one, or there is none. */
export type Refusal = { code: RejectCode; reason: string } | null;

export type ReadInstant = (
  row: Row,
  into: InstantValue,
  earlier: readonly InstantValue[],
) => Refusal;

const DAY_MS = 86_400_000;

/** Time cells of workbooks come as text of this form. */
const CELL_CLOCK = compileTimeFormat('H:mm:ss');

/**
 * @param clock of the map's zone; null: every text must say its offset
 * @param fieldIndex where the field that `after` names stands among `earlier`
 */
export function compileInstant(
  source: FieldSource,
  indexOf: (column: string, where: string) => number,
  clock: LocalClock | null,
  fieldIndex: (field: string) => number,
): ReadInstant {
  if (source.text.kind === 'latest') {
    const each = source.text.of.map((one) => compileInstant(one, indexOf, clock, fieldIndex));
    const gate = source.when
      ? compileLocate({ ...source, text: { kind: 'value', value: 'x' } }, indexOf)
      : null;
    return latest(each, gate);
  }
  const locate = compileLocate(source, indexOf);
  const cellIndex = source.text.kind === 'column' ? indexOf(source.text.column, source.where) : -1;
  const read: TimeReader = source.format?.read ?? readIso;
  const readCell: TimeReader = source.after !== null ? (CELL_CLOCK?.read ?? readIso) : readIso;
  const expected = source.formatText ?? 'ISO 8601 such as 2024-01-31T08:15:00+01:00';
  const after = source.after === null ? -1 : fieldIndex(source.after);
  const span = new Span();
  const reading = new WallReading();

  return (row, into, earlier) => {
    into.instant = Number.NaN;
    into.wallMs = Number.NaN;
    into.ambiguous = false;
    const located = locate(row, span);
    if (located !== FOUND) {
      return located === MISMATCH
        ? { code: 'match', reason: `no rule fits ${shown(span.text())}` }
        : null;
    }
    span.trim();
    const isCell = cellIndex >= 0 && row.dateCells !== null && row.dateCells[cellIndex] === 1;
    if (!(isCell ? readCell : read)(span.bytes, span.start, span.end, reading)) {
      return { code: 'instant', reason: `got ${shown(span.text())}; expected ${expected}` };
    }
    let { wallMs } = reading;
    if (after >= 0) {
      const base = earlier[after];
      if (Number.isNaN(base.instant) || clock === null) {
        return { code: 'instant', reason: `there is no ${source.after} that it could be after` };
      }
      if (Number.isNaN(base.wallMs)) base.wallMs = clock.wallOf(base.instant);
      wallMs += Math.floor(base.wallMs / DAY_MS) * DAY_MS;
      if (wallMs < base.wallMs - source.skewMs) wallMs += DAY_MS;
    }
    if (!Number.isNaN(reading.offsetMs)) {
      into.instant = wallMs - reading.offsetMs;
    } else if (clock === null) {
      const reason = `got ${shown(span.text())}; expected an offset such as Z or +01:00, or a map with a zone`;
      return { code: 'instant', reason };
    } else {
      into.instant = clock.instantOf(wallMs);
      into.wallMs = wallMs;
      into.ambiguous = clock.kind === 'overlap' && !reading.dateOnly;
      if (clock.kind === 'gap' && !(reading.dateOnly && bearsDate(clock, into.instant, wallMs))) {
        const reason = `${shown(span.text())} does not exist in ${clock.zone}: the clocks skipped it`;
        return { code: 'gap', reason };
      }
    }
    if (!(into.instant >= FIRST_INSTANT_MS && into.instant < LAST_INSTANT_MS)) {
      return {
        code: 'instant',
        reason: `got ${shown(span.text())}; expected a time of the years 1900 to 2199`,
      };
    }
    return null;
  };
}

/** A date alone is the day's first instant, also where midnight does not exist, if the day does. */
function bearsDate(clock: LocalClock, instant: number, wallMs: number): boolean {
  return Math.floor(clock.wallOf(instant) / DAY_MS) === Math.floor(wallMs / DAY_MS);
}

function latest(each: readonly ReadInstant[], gate: Locate | null): ReadInstant {
  const candidate: InstantValue = { instant: 0, wallMs: 0, ambiguous: false };
  const span = new Span();
  return (row, into, earlier) => {
    into.instant = Number.NaN;
    into.wallMs = Number.NaN;
    into.ambiguous = false;
    if (gate && gate(row, span) !== FOUND) return null;
    for (const read of each) {
      const refusal = read(row, candidate, earlier);
      if (refusal) return refusal;
      if (Number.isNaN(candidate.instant) || candidate.instant <= into.instant) continue;
      into.instant = candidate.instant;
      into.wallMs = candidate.wallMs;
      into.ambiguous = candidate.ambiguous;
    }
    return null;
  };
}
