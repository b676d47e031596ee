import type { ReportKind } from './define-report.ts';
import { mergeGroups } from './merge-totals.ts';
import { reportKind } from './registry.ts';
import type { DayTotals, FoldSpec, GroupTotals } from './totals.ts';

/** Totals by some dimensions, got from totals of the same day by more of them, without the rows. */

/**
 * The fold whose totals are kept for `spec`: without the day, which is the same for all groups of a
 * day, and in the report's own order of dimensions.
 */
export function keptFold(spec: FoldSpec): FoldSpec {
  const kept = reportKind(spec.report).dimensions.filter(
    ({ key, of }) => of !== 'day' && spec.by.includes(key),
  );
  return { ...spec, by: kept.map(({ key }) => key) };
}

/**
 * Whether groups of the report may be merged into larger ones. Not where different values are
 * counted, or the first or last one is taken: that does not add up over groups.
 */
export function addsUp(kind: ReportKind): boolean {
  return kind.measures.every(({ of }) => of !== 'distinct' && of !== 'text');
}

/**
 * Totals of `wanted` from those of its day by the dimensions `by`, which hold all of its own but
 * the day; more of them only where the report {@link addsUp}.
 * @throws DaybookError `E_TOO_LARGE` when a sum of integers leaves ±2^53
 */
export function rollUp(
  wanted: FoldSpec,
  by: readonly string[],
  totals: DayTotals,
  date: string,
): DayTotals {
  const places = wanted.by.map((key) => by.indexOf(key));
  const groups = totals.groups.map(
    ({ key, values }): GroupTotals => ({
      key: places.map((place) => (place < 0 ? date : key[place])),
      values,
    }),
  );
  return { rows: totals.rows, groups: mergeGroups(reportKind(wanted.report), groups) };
}
