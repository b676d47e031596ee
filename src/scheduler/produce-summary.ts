import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchFolder } from '../cache/unfinished.ts';
import { buildSummary, parseSummaryBy } from '../reports/build-summary.ts';
import { mergeTotals, summaryFold } from '../reports/fold.ts';
import { reportKind } from '../reports/registry.ts';
import { keptFold, rollUp } from '../reports/roll-up.ts';
import type { Summary, SummaryProducer } from '../reports/summary.ts';
import type { DayTotals, FoldSpec } from '../reports/totals.ts';
import { irregularDaysOf, windowOf } from '../time/calendar.ts';
import { dataAsOfDays, type MadeDay, makeDays } from './make-days.ts';
import { planDays, requestCalendar } from './plan-days.ts';
import type { ReportDeps } from './report-job.ts';

/** Makes summaries from the days' totals; rows are read only for days that have none yet. */
export function createSummaryProducer(
  deps: Pick<ReportDeps, 'database' | 'source' | 'dispatcher' | 'home' | 'meter'>,
): SummaryProducer {
  return async ({ tenant, request, by }, signal) => {
    const kind = reportKind(request.report);
    const overall = summaryFold(kind, request);
    const grouped: FoldSpec = { ...overall, by: parseSummaryBy(kind, by) };
    const kept = keptFold(grouped);
    const same = kept.by.join() === overall.by.join();
    const planned = await planDays(request, kind, tenant, { ...deps, signal });
    const scratchDir = scratchFolder(`summary-${randomUUID()}`);
    let days: MadeDay[];
    try {
      days = await makeDays(
        planned,
        {
          tenantId: tenant.id,
          attempt: null,
          workClass: 'interactive',
          kind,
          request,
          folds: same ? [overall] : [overall, kept],
          specOf: () => null,
          rowsPartOf: () => null,
          renderAgain: false,
          scratchDir,
          signal,
          onDay: () => {},
        },
        deps,
      );
    } finally {
      await rm(join(deps.home, scratchDir), { recursive: true, force: true });
    }
    const total = mergeTotals(
      overall,
      days.map((made) => made.totals[0]),
    );
    const groupedDays = days.map(({ day, totals }): DayTotals => {
      return rollUp(grouped, kept.by, totals[same ? 0 : 1], day.date);
    });
    const { totals, groups } = buildSummary({
      spec: grouped,
      totals: mergeTotals(grouped, groupedDays),
      overall: total,
      locale: request.locale,
      headers: request.headers,
    });
    const calendar = requestCalendar(request, tenant);
    return {
      zones: [...new Set(days.map((made) => made.day.zone))],
      window: windowOf(calendar, request.period),
      irregularDays: irregularDaysOf(calendar, request.period),
      dataAsOf: dataAsOfDays(days),
      days: { total: days.length, cached: days.filter((made) => made.cached).length },
      rows: total.rows,
      totals,
      groups: by === null ? null : groups,
    } satisfies Summary;
  };
}
