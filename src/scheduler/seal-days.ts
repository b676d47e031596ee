import { DaybookError } from '../errors.ts';
import { subjectOf } from '../reports/schedule-request.ts';
import { LOOK_UP } from '../store/database.ts';
import { type DayKeys, findLatestSealed } from '../store/report-files.ts';
import type { MadeDay } from './make-days.ts';
import type { PlannedDay } from './plan-days.ts';
import type { ReportDeps, ReportJob } from './report-job.ts';

const HOUR_MS = 3_600_000;

/**
 * What a file that is to be sealed says of its days: which rows it was made of, and which revision
 * it is. The revision goes up when rows of a sealed day of the same subject changed; made again of
 * the same rows it is the same one.
 * @throws DaybookError `E_TOTALS_MISMATCH`: a day has other rows than its versions count
 */
export async function sealDays(
  { request, tenant, sealing }: ReportJob,
  planned: readonly PlannedDay[],
  days: readonly MadeDay[],
  { database }: Pick<ReportDeps, 'database'>,
): Promise<{ readonly revision: number; readonly dayKeys: DayKeys | null }> {
  if (sealing === null) return { revision: 1, dayKeys: null };
  for (const [index, plan] of planned.entries()) demandCounted(plan, days[index]);
  const dayKeys = dayKeysOf(days);
  const before = await database.asTenant(
    tenant.id,
    (tx) => findLatestSealed(tx, subjectOf(request)),
    LOOK_UP,
  );
  if (before === null) return { revision: 1, dayKeys };
  const same = JSON.stringify(before.dayKeys) === JSON.stringify(dayKeys);
  return { revision: before.revision + (same ? 0 : 1), dayKeys };
}

/** A day of which no row was ever written has no part, and an empty key. */
function dayKeysOf(days: readonly MadeDay[]): DayKeys {
  return days.map(({ day, rows }) => [day.date, rows?.key ?? '']);
}

/** Versions count rows by the hour: where a day falls on whole hours they must agree. */
function demandCounted(plan: PlannedDay, { day, rows }: MadeDay): void {
  const whole = day.start % HOUR_MS === 0 && day.end % HOUR_MS === 0;
  if (!whole || rows === null || rows.key !== plan.rowsKey || rows.rows === plan.expectedRows) {
    return;
  }
  throw new DaybookError('E_TOTALS_MISMATCH', {
    where: `rows of ${day.date}`,
    got: rows.rows,
    expected: plan.expectedRows,
  });
}
