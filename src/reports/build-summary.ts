import { DaybookError } from '../errors.ts';
import { dimensionOf, type ReportKind } from './define-report.ts';
import type { Table } from './document.ts';
import { totalsTable } from './document-tables.ts';
import { groupCell } from './group-cells.ts';
import { compareKeys } from './group-keys.ts';
import { dimensionColumn, outColumn } from './out-columns.ts';
import { reportKind } from './registry.ts';
import type { Headers, Locale } from './request.ts';
import { suggestion } from './suggest.ts';
import type { DayTotals, FoldSpec } from './totals.ts';

/**
 * The dimensions of a summary, from `by=day,queue` or nothing. Where there is money the currency
 * is added, since money of different currencies does not add up.
 * @throws DaybookError `E_PARAM` that names what is no dimension and the nearest one
 */
export function parseSummaryBy(kind: ReportKind, by: string | null): string[] {
  const names = kind.dimensions.map(({ key }) => key);
  const keys = by === null ? [] : by.split(',').map((key) => key.trim());
  keys.forEach((key, index) => {
    if (names.includes(key) && keys.indexOf(key) === index) return;
    throw new DaybookError('E_PARAM', {
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
 * The tables of a summary: `groups` has the dimensions and the report's figures, a line per group,
 * sorted; `totals` has the figures, one line or one per currency. Decimals are text, instants
 * numbers.
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
}): { readonly totals: Table; readonly groups: Table } {
  const { spec, totals, overall, locale, headers } = input;
  const kind = reportKind(spec.report);
  const specs = [...spec.by.map((key) => dimensionColumn(dimensionOf(kind, key))), ...kind.figures];
  const at = { by: spec.by, date: null };
  const groups = [...totals.groups].sort((a, b) => compareKeys(a.key, b.key));
  return {
    totals: totalsTable({ kind, totals: overall, locale, headers }),
    groups: {
      columns: specs.map((column) => outColumn(column, input)),
      rows: groups.map((group) => specs.map((column) => groupCell(kind, column, group, at))),
    },
  };
}
