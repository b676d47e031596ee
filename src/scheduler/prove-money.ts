import { DaybookError } from '../errors.ts';
import { compareDecimal, formatDecimal, parseDecimal, ZERO } from '../money/decimal.ts';
import { datasetOf } from '../reports/dataset.ts';
import type { ReportKind } from '../reports/define-report.ts';
import { measureOf } from '../reports/group-cells.ts';
import { decimalOf } from '../reports/merge-totals.ts';
import { rowsPartKey } from '../reports/part-keys.ts';
import type { RowSource } from '../reports/ports.ts';
import type { DayTotals } from '../reports/totals.ts';
import type { Database } from '../store/database.ts';
import { chargesAgainstLedger, sumsOfWindows } from '../store/money-proof.ts';
import type { MadeDay } from './make-days.ts';
import type { ReportJob } from './report-job.ts';

/**
 * Proves a file about money before it is sealed: the sum of its lines is that of the table, day by
 * day and currency by currency, and the charges of its period are what the ledger took for them. A
 * day whose rows have changed since it was read is left out of the first: the file says as of when
 * it is, and the next one has the change.
 * @throws DaybookError `E_TOTALS_MISMATCH`
 */
export async function proveMoney(
  { tenant, request, signal }: ReportJob,
  kind: ReportKind,
  days: readonly MadeDay[],
  { database, source }: { readonly database: Database; readonly source: RowSource },
): Promise<void> {
  const { dataset } = kind;
  if (dataset !== 'charges' && dataset !== 'ledger_entries') return;
  const windows = days.map(({ day }) => day);
  // Before and after the sums: days that are the same both times are what was summed.
  const versions = () => source.versions({ tenantId: tenant.id, dataset, windows, signal });
  const before = await versions();
  const { sums, differences } = await database.asTenant(
    tenant.id,
    async (tx) => ({
      sums:
        request.where.length === 0 ? await sumsOfWindows(tx, tenant.id, dataset, windows) : null,
      differences: await chargesAgainstLedger(tx, tenant.id, request.period),
    }),
    { isolation: 'repeatable read', readOnly: true, statementTimeoutMs: 300_000 },
  );
  const [difference] = differences;
  if (difference) {
    const { payer, currency, bookedOn, charged, booked } = difference;
    throw new DaybookError('E_TOTALS_MISMATCH', {
      where: `charges of ${payer} on ${bookedOn} in ${currency}, against the ledger`,
      got: charged,
      expected: booked,
    });
  }
  if (sums === null) return;
  const after = await versions();
  days.forEach((made, index) => {
    const { fingerprint } = before[index];
    const { day: window, rows } = made;
    const key = rowsPartKey({
      tenantId: tenant.id,
      dataset: datasetOf(dataset),
      window,
      fingerprint,
    });
    if (fingerprint !== after[index].fingerprint || (rows !== null && rows.key !== key)) return;
    const stands = sums.filter(({ day }) => day === index);
    demandEqual(kind, made, stands);
  });
}

function demandEqual(
  kind: ReportKind,
  made: MadeDay,
  stands: readonly { readonly currency: string | null; readonly amount: string }[],
): void {
  const totals = made.totals[made.totals.length - 1];
  const currencies = new Set([
    ...totals.groups.map(({ key }) => currencyOf(key)),
    ...stands.map(({ currency }) => currency ?? ''),
  ]);
  for (const currency of currencies) {
    const expected = stands.find((sum) => (sum.currency ?? '') === currency)?.amount ?? '0';
    const got = amountOf(kind, totals, currency);
    if (compareDecimal(got, parseDecimal(expected) ?? ZERO) === 0) continue;
    throw new DaybookError('E_TOTALS_MISMATCH', {
      where: `amount of ${made.day.date} in ${currency || 'no currency'}`,
      got: formatDecimal(got),
      expected,
    });
  }
}

function currencyOf(key: readonly unknown[]): string {
  return typeof key[0] === 'string' ? key[0] : '';
}

function amountOf(kind: ReportKind, totals: DayTotals, currency: string) {
  const group = totals.groups.find(({ key }) => currencyOf(key) === currency);
  return group ? decimalOf(measureOf(kind, group, 'amount')) : ZERO;
}
