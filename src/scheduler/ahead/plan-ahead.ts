import { toDaybookError } from '../../errors.ts';
import { datasetOf } from '../../reports/dataset.ts';
import { calendarOfForm, type Demand } from '../../reports/demand.ts';
import { parseReportRequest } from '../../reports/parse-request.ts';
import { rowsPartKey } from '../../reports/part-keys.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { ReportRequest } from '../../reports/request.ts';
import type { Database } from '../../store/database.ts';
import { listCompleteThrough } from '../../store/dataset-marks.ts';
import { forgetDaysAhead, listDaysAhead, noteLook, planDayAhead } from '../../store/days-ahead.ts';
import { addDays, DAY_MS, dateOf } from '../../time/day-number.ts';
import { type DueDay, decide, dueDays, type Lane } from './due-days.ts';
import type { LaneDemand, TenantDemand } from './study-demand.ts';

/** Lines of planned days are kept so long. */
const KEPT_DAYS = 60;
/** Farther back than any day that is due. */
const LOOK_BACK_DAYS = 7;

export interface AheadSummary {
  /** Days that were compared with their source. */
  readonly looked: number;
  /** Runs that were queued. */
  readonly planned: number;
  /** Days that could not be looked at, and why; they come again in the next pass. */
  readonly failures: readonly { readonly tenantId: string; readonly reason: string }[];
}

interface PlannedLane extends Lane, LaneDemand {}

/**
 * One pass: queues a run for each settled yesterday that is in demand and not made yet, or whose
 * rows changed since. Safe to run twice, and at the same time.
 */
export async function planAhead(
  now: number,
  deps: {
    readonly database: Database;
    readonly source: RowSource;
    readonly demand: readonly TenantDemand[];
    readonly signal: AbortSignal;
  },
): Promise<AheadSummary> {
  const { database, demand } = deps;
  const today = dateOf(Math.floor(now / DAY_MS));
  const { marks, there } = await database.asSystem(async (tx) => {
    await forgetDaysAhead(tx, addDays(today, -KEPT_DAYS));
    return {
      marks: await listCompleteThrough(tx),
      there: await listDaysAhead(tx, { fromDate: addDays(today, -LOOK_BACK_DAYS) }),
    };
  });
  const wanted = demand.flatMap(({ tenant, lanes }) =>
    lanes.map((lane): PlannedLane => {
      const mark = marks.find(
        ({ tenantId, dataset }) => tenantId === tenant.id && dataset === lane.dataset,
      );
      const calendar = calendarOfForm(lane, tenant.calendar);
      return { ...lane, tenantId: tenant.id, calendar, completeThrough: mark?.ms ?? null };
    }),
  );
  const due = dueDays(now, wanted, there);
  const failures: { tenantId: string; reason: string }[] = [];
  let planned = 0;
  for (const entry of due) {
    deps.signal.throwIfAborted();
    try {
      if (await planOne(entry, now, deps)) planned += 1;
    } catch (error) {
      failures.push({ tenantId: entry.lane.tenantId, reason: toDaybookError(error).message });
    }
  }
  return { looked: due.length, planned, failures };
}

/** Whether a run was queued. */
async function planOne(
  due: DueDay<PlannedLane>,
  now: number,
  deps: { readonly database: Database; readonly source: RowSource; readonly signal: AbortSignal },
): Promise<boolean> {
  const { lane, day, before } = due;
  const { tenantId, dataset, zone, forms } = lane;
  const [version] = await deps.source.versions({
    tenantId,
    dataset,
    windows: [day],
    signal: deps.signal,
  });
  const rowsKey = rowsPartKey({
    tenantId,
    dataset: datasetOf(dataset),
    window: day,
    fingerprint: version.fingerprint,
  });
  const place = { tenantId, dataset, zone, date: day.date };
  const verdict = decide(due, rowsKey, now);
  return deps.database.asTenant(tenantId, async (tx) => {
    if (verdict === 'look') {
      await noteLook(tx, place, now);
      return false;
    }
    const runId = await planDayAhead(tx, {
      ...place,
      rowsKey,
      forms,
      now,
      instead: verdict === 'retry' ? (before?.plannedAt ?? null) : null,
      request: version.rows === 0 ? null : requestOf(forms[0], day.date),
    });
    return runId !== null;
  });
}

/** What the run says of itself: the form in most demand, of that day. */
function requestOf({ form }: Demand, date: string): ReportRequest {
  if (form.kind === 'file') {
    const { kind: _, ...request } = form;
    return { ...request, period: { from: date, to: date }, cache: true };
  }
  const { report, zone, where, params } = form;
  const raw = { report, from: date, to: date, zone: zone ?? undefined };
  return { ...parseReportRequest(raw, { locale: 'en' }), where, params };
}
