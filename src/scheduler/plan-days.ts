import { datasetOf } from '../reports/dataset.ts';
import type { ReportKind } from '../reports/define-report.ts';
import { rowsPartKey } from '../reports/part-keys.ts';
import type { RowSource } from '../reports/ports.ts';
import type { ReportRequest } from '../reports/request.ts';
import { isSettled } from '../reports/settled.ts';
import { type Database, LOOK_UP } from '../store/database.ts';
import { findClockAndMark } from '../store/dataset-marks.ts';
import type { Tenant } from '../store/tenants.ts';
import { type Calendar, calendarOf, daysOf } from '../time/calendar.ts';
import type { DayWindow } from '../time/day-window.ts';

/** A day of a run before it is made. */
export interface PlannedDay {
  readonly day: DayWindow;
  /** The rows part that holds the day as it is now. */
  readonly rowsKey: string;
  /** Newest change in the hours that the day touches, UTC epoch ms; null: nothing was ever written. */
  readonly changedAt: number | null;
  /** Rows of the hours that the day touches: exact where it begins and ends on whole hours. */
  readonly expectedRows: number;
  /** Settled, and the request allows parts. */
  readonly cacheable: boolean;
}

/** Splits a request's period into the tenant's days and asks the source how each one stands. */
export async function planDays(
  request: Pick<ReportRequest, 'period' | 'zone' | 'cache'>,
  kind: Pick<ReportKind, 'dataset'>,
  tenant: Pick<Tenant, 'id' | 'calendar'>,
  deps: { database: Database; source: RowSource; signal: AbortSignal },
): Promise<PlannedDay[]> {
  const days = daysOf(requestCalendar(request, tenant), request.period);
  const { dataset } = kind;
  const { signal } = deps;
  const [versions, { now, completeThrough }] = await Promise.all([
    deps.source.versions({ tenantId: tenant.id, dataset, windows: days, signal }),
    deps.database.asTenant(tenant.id, (tx) => findClockAndMark(tx, dataset), LOOK_UP),
  ]);
  return days.map((day, index) => ({
    day,
    rowsKey: rowsPartKey({
      tenantId: tenant.id,
      dataset: datasetOf(dataset),
      window: day,
      fingerprint: versions[index].fingerprint,
    }),
    changedAt: versions[index].changedAt,
    expectedRows: versions[index].rows,
    cacheable: request.cache && isSettled(day, completeThrough, now),
  }));
}

/** The tenant's own calendar, or the one zone that the request names. */
export function requestCalendar(
  request: Pick<ReportRequest, 'zone'>,
  tenant: Pick<Tenant, 'calendar'>,
): Calendar {
  return request.zone === null ? tenant.calendar : calendarOf(request.zone);
}
