import { DaybookError } from '../errors.ts';
import { addDecimal, compareDecimal, formatDecimal, ZERO } from '../money/decimal.ts';
import type { DocumentDay } from './build-document.ts';
import { mergeOf, type ReportKind } from './define-report.ts';
import { measureOf } from './group-cells.ts';
import { decimalOf } from './merge-totals.ts';
import type { ReportRequest } from './request.ts';
import type { DayTotals } from './totals.ts';

interface Claim {
  readonly kind: ReportKind;
  readonly request: ReportRequest;
  readonly days: readonly DocumentDay[];
  /** Merged from the totals of the days. */
  readonly totals: DayTotals;
  /** Detail rows in the file. */
  readonly fileRows: number;
}

/**
 * Proves that the days of a file add up to it: rows read, rows that passed the filter, rows in
 * groups, rows in the file, and each measure that is a sum.
 * @throws DaybookError `E_TOTALS_MISMATCH` for the first figure that does not
 */
export function proveTotals(claim: Claim): void {
  for (const day of claim.days) proveDay(claim, day);
  proveFileRows(claim);
  proveSums(claim);
}

function proveDay({ kind, request }: Claim, { day, rows, fileRows, totals }: DocumentDay): void {
  const where = `rows of ${day.date}`;
  if (request.where.length === 0 || totals.rows > rows) demandEqual(where, totals.rows, rows);
  if (kind.counts === null) {
    demandEqual(`${where} in groups`, rowsInGroups(kind, totals), totals.rows);
  }
  if (kind.shape === 'rows') demandEqual(`${where} in the file`, fileRows, totals.rows);
}

function proveFileRows({ kind, request, days, totals, fileRows }: Claim): void {
  const where = 'rows of the file';
  if (kind.shape === 'groups' && request.grain === 'period') {
    // The lines of a period come from other totals: that there are any must still agree.
    const empty = rowsInGroups(kind, totals) === 0;
    if (empty !== (fileRows === 0)) demandEqual(where, empty ? 0 : 'some', fileRows);
    return;
  }
  const ofDays = days.reduce((sum, day) => sum + day.fileRows, 0);
  demandEqual(where, ofDays, fileRows);
}

/** Adds up the days in another way than the merge does, measure by measure over all groups. */
function proveSums({ kind, days, totals }: Claim): void {
  for (const measure of kind.measures.filter((candidate) => mergeOf(candidate) === 'sum')) {
    const ofDays = days.reduce(
      (sum, day) => addDecimal(sum, sumOf(kind, day.totals, measure.key)),
      ZERO,
    );
    const ofFile = sumOf(kind, totals, measure.key);
    if (compareDecimal(ofDays, ofFile) !== 0) {
      demandEqual(measure.key, formatDecimal(ofDays), formatDecimal(ofFile));
    }
  }
}

function sumOf(kind: ReportKind, totals: DayTotals, key: string) {
  return totals.groups.reduce(
    (sum, group) => addDecimal(sum, decimalOf(measureOf(kind, group, key))),
    ZERO,
  );
}

function rowsInGroups(kind: ReportKind, totals: DayTotals): number {
  return totals.groups.reduce((sum, group) => sum + Number(measureOf(kind, group, 'rows')), 0);
}

function demandEqual(where: string, got: number | string, expected: number | string): void {
  if (got !== expected) throw new DaybookError('E_TOTALS_MISMATCH', { where, got, expected });
}
