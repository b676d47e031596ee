import { CHUNK_ROWS } from './chunk.ts';
import type { Filter, Grain, ParamValue, ReportName } from './request.ts';

/**
 * What a day adds to a report's totals, in a form that merges: the day's groups with one
 * accumulator per measure of the report. Plain data, kept as JSON in Postgres.
 */
export interface DayTotals {
  /** Rows that passed the filter. */
  readonly rows: number;
  readonly groups: readonly GroupTotals[];
}

export interface GroupTotals {
  /** Values of the fold's dimensions, in order. */
  readonly key: readonly (string | number | null)[];
  /** In the order of the report's measures. */
  readonly values: readonly AccumulatorValue[];
}

/** A count or seconds as a number, an exact decimal as text, null where no row had a value. */
export type AccumulatorValue = number | string | null;

/** What to fold a day's rows into. Plain data; with the rows it decides the totals. */
export interface FoldSpec {
  readonly report: ReportName;
  /** Names of the report's dimensions. */
  readonly by: readonly string[];
  readonly where: readonly Filter[];
  readonly params: Readonly<Record<string, ParamValue>>;
}

/**
 * Rows of the pieces that a grouped report's day is rendered into, of a line per group; none where
 * lines are of the whole period.
 */
export function groupedPieceRows(grain: Grain, detail: DayTotals): number[] {
  return grain === 'period' ? [] : [...inPieces(detail)].map(({ groups }) => groups.length);
}

/** Totals in runs of at most {@link CHUNK_ROWS} groups, in order: a line each, a piece per run. */
export function* inPieces({ rows, groups }: DayTotals): Generator<DayTotals> {
  for (let at = 0; at < groups.length; at += CHUNK_ROWS) {
    yield { rows, groups: groups.slice(at, at + CHUNK_ROWS) };
  }
}
