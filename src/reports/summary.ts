import { DaybookError } from '../errors.ts';
import type { CellValue } from './chunk.ts';
import type { OutColumn } from './column.ts';
import { dimensionOf, type ReportKind } from './define-report.ts';
import { emptyGroup, groupCell } from './group-cells.ts';
import { compareKeys } from './group-keys.ts';
import { dimensionColumn, outColumn } from './out-columns.ts';
import { reportKind } from './registry.ts';
import type { Headers, Locale } from './request.ts';
import { suggestion } from './suggest.ts';
import type { DayTotals, FoldSpec } from './totals.ts';

/** The totals of a report by chosen dimensions, as charts want them. */
export interface Summary {
  /** The dimensions, then the report's figures. */
  readonly columns: readonly OutColumn[];
  /** A line per group, sorted by its dimensions; decimals as text. */
  readonly rows: readonly (readonly CellValue[])[];
  /** In the same columns: one line, or one per currency. */
  readonly totals: readonly (readonly CellValue[])[];
}

/**
 * The dimensions of a summary, from `by=day,queue` or nothing. Where there is money the currency
 * is added, since money of different currencies does not add up.
 * @throws DaybookError `E_INVALID`
 */
export function parseSummaryBy(kind: ReportKind, by: string | undefined): string[] {
  const names = kind.dimensions.map(({ key }) => key);
  const keys = by === undefined || by === '' ? [] : by.split(',').map((key) => key.trim());
  keys.forEach((key, index) => {
    if (names.includes(key) && keys.indexOf(key) === index) return;
    throw new DaybookError('E_INVALID', {
      where: 'by',
      got: JSON.stringify(key.slice(0, 64)),
      expected: names.includes(key)
        ? 'each dimension once'
        : `any of ${names.join(', ')}${suggestion(key, names)}`,
    });
  });
  return kind.perCurrency && !keys.includes('currency') ? [...keys, 'currency'] : keys;
}

/**
 * @param spec the fold by the dimensions of {@link parseSummaryBy}
 * @param totals of `spec`, merged over the days
 * @param overall of `summaryFold`, merged over the days. It is not the sum of `totals`: an order
 *   with lines in two regions counts in each of them, and once overall
 */
export function buildSummary(input: {
  readonly spec: FoldSpec;
  readonly totals: DayTotals;
  readonly overall: DayTotals;
  readonly locale: Locale;
  readonly headers: Headers;
}): Summary {
  const { spec, totals, overall } = input;
  const kind = reportKind(spec.report);
  const columns = [
    ...spec.by.map((key) => dimensionColumn(dimensionOf(kind, key))),
    ...kind.figures,
  ];
  const overallBy = kind.perCurrency ? ['currency'] : [];
  const lines = (groups: DayTotals['groups'], by: readonly string[]) =>
    [...groups]
      .sort((a, b) => compareKeys(a.key, b.key))
      .map((group) => columns.map((column) => groupCell(kind, column, group, { by, date: null })));
  return {
    columns: columns.map((column) => outColumn(column, input)),
    rows: lines(totals.groups, spec.by),
    totals: lines(
      overall.groups.length > 0
        ? overall.groups
        : [
            emptyGroup(
              kind,
              overallBy.map(() => null),
            ),
          ],
      overallBy,
    ),
  };
}
