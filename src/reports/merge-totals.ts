import { DaybookError } from '../errors.ts';
import { type Decimal, parseDecimal } from '../money/decimal.ts';
import { type Measure, mergeOf, type ReportKind } from './define-report.ts';
import { compareKeys } from './group-keys.ts';
import { reportKind } from './registry.ts';
import { TextSum } from './short-decimals.ts';
import type { AccumulatorValue, DayTotals, FoldSpec, GroupTotals } from './totals.ts';

/**
 * The totals of several days, or of several merges, as one: associative, and for every merge but
 * `first` and `last`, which take the days in order, commutative. No days give no rows, no groups.
 * @throws DaybookError `E_TOO_LARGE` when a sum of integers leaves ±2^53
 */
export function mergeTotals(spec: FoldSpec, days: readonly DayTotals[]): DayTotals {
  const kind = reportKind(spec.report);
  const groups = days.flatMap((day) => day.groups);
  return {
    rows: days.reduce((rows, day) => rows + day.rows, 0),
    groups: mergeGroups(kind, groups),
  };
}

/** Merges groups of the same key, each measure in its way; sorted by key. */
export function mergeGroups(kind: ReportKind, groups: readonly GroupTotals[]): GroupTotals[] {
  const byKey = new Map<string, GroupTotals[]>();
  for (const group of groups) {
    const name = JSON.stringify(group.key);
    const same = byKey.get(name);
    if (same === undefined) byKey.set(name, [group]);
    else same.push(group);
  }
  return [...byKey.values()]
    .map((same) => ({
      key: same[0].key,
      values: kind.measures.map((measure, index) =>
        demandSafe(
          kind,
          index,
          mergeValues(
            measure,
            same.map(({ values }) => values[index]),
          ),
        ),
      ),
    }))
    .sort((a, b) => compareKeys(a.key, b.key));
}

/** What a measure of no rows is. */
export function zeroOf(measure: Measure): AccumulatorValue {
  if (measure.of === 'decimals') return '0';
  return mergeOf(measure) === 'sum' ? 0 : null;
}

function mergeValues(measure: Measure, values: readonly AccumulatorValue[]): AccumulatorValue {
  const merge = mergeOf(measure);
  if (measure.of === 'decimals') return sumOfDecimals(values);
  const held = values.filter((value) => value !== null);
  if (merge === 'sum') return held.reduce<number>((sum, value) => sum + Number(value), 0);
  if (held.length === 0) return null;
  if (merge === 'first') return held[0];
  if (merge === 'last') return held[held.length - 1];
  return held.reduce((best, value) => ((merge === 'min') === value < best ? value : best));
}

function sumOfDecimals(values: readonly AccumulatorValue[]): string {
  const sum = new TextSum();
  for (const value of values) sum.add(String(value ?? 0));
  return sum.text();
}

/** @throws RangeError when the value is no number: totals were read from elsewhere, damaged. */
export function decimalOf(value: AccumulatorValue): Decimal {
  const parsed = parseDecimal(String(value ?? 0));
  if (parsed === null) throw new RangeError(`${JSON.stringify(value)} stands where a number must`);
  return parsed;
}

export function demandSafe(
  kind: ReportKind,
  index: number,
  value: AccumulatorValue,
): AccumulatorValue {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  throw new DaybookError('E_TOO_LARGE', {
    where: `${kind.name}.${kind.measures[index].key}`,
    got: String(value),
    expected: `±${Number.MAX_SAFE_INTEGER}`,
  });
}
