import { divideToScale, formatDecimal } from '../money/decimal.ts';
import type { CellValue } from './chunk.ts';
import type { ColumnSpec, RatioOfSums, ReportKind } from './define-report.ts';
import { decimalOf, zeroOf } from './merge-totals.ts';
import type { AccumulatorValue, GroupTotals } from './totals.ts';

/**
 * The cell of a column in a group's line: a dimension, the date of the day, a merged measure or a
 * ratio of two.
 */
export function groupCell(
  kind: ReportKind,
  column: ColumnSpec,
  group: GroupTotals,
  at: { readonly by: readonly string[]; readonly date: string | null },
): CellValue {
  if (column.merge === 'none') {
    const position = at.by.indexOf(column.key);
    return position < 0 ? at.date : group.key[position];
  }
  if (typeof column.merge === 'string') return measureOf(kind, group, column.key);
  return ratioOf(kind, group, column.merge);
}

/** A group without rows, for totals over nothing. */
export function emptyGroup(kind: ReportKind, key: GroupTotals['key']): GroupTotals {
  return { key, values: kind.measures.map(zeroOf) };
}

export function measureOf(kind: ReportKind, group: GroupTotals, key: string): AccumulatorValue {
  return group.values[kind.measures.findIndex((measure) => measure.key === key)];
}

function ratioOf(
  kind: ReportKind,
  group: GroupTotals,
  { ratioOf: [over, under], scale }: RatioOfSums,
): string | null {
  const denominator = decimalOf(typeof under === 'number' ? under : measureOf(kind, group, under));
  if (denominator.unscaled === 0n) return null;
  const numerator = decimalOf(measureOf(kind, group, over));
  return formatDecimal(divideToScale(numerator, denominator, scale), scale);
}
