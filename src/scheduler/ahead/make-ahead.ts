import { filteredFolds, foldsAhead, requestsAhead } from '../../reports/ahead.ts';
import type { Demand } from '../../reports/demand.ts';
import { reportKind, rowReportOf } from '../../reports/registry.ts';
import type { FoldSpec } from '../../reports/totals.ts';
import { findFormsAhead } from '../../store/days-ahead.ts';
import { daysJobOf } from '../detail-job.ts';
import { type MadeDay, makeDays } from '../make-days.ts';
import { makeDetail } from '../make-detail.ts';
import { type PlannedDay, planDays } from '../plan-days.ts';
import type { ReportDeps, ReportJob } from '../report-job.ts';

/**
 * Executes a run of class `precache`: makes its day in the forms that are in demand, and no file.
 * One step after the other, so that such a run never holds more than one thread.
 */
export async function makeAhead(job: ReportJob, deps: ReportDeps): Promise<void> {
  const { request, tenant, signal, runId } = job;
  const kind = reportKind(request.report);
  const forms = await deps.database.asTenant(tenant.id, (tx) => findFormsAhead(tx, runId));
  const planned = await planDays({ ...request, cache: true }, kind, tenant, { ...deps, signal });
  const [plan] = planned;
  const worthIt = plan?.cacheable && plan.expectedRows > 0 && forms.length > 0;
  const cached = worthIt ? await makeForms(plan, forms, job, deps) : null;
  job.onProgress({
    daysTotal: planned.length,
    daysDone: planned.length,
    daysCached: cached ? 1 : 0,
    rowsRead: plan?.expectedRows ?? 0,
  });
}

/** Whether all of it was there already. */
async function makeForms(
  plan: PlannedDay,
  forms: readonly Demand[],
  job: ReportJob,
  deps: ReportDeps,
): Promise<boolean> {
  const made: MadeDay[] = [await makeTotals(plan, foldsAhead(forms), job, deps)];
  for (const form of forms) {
    const { where } = form.form;
    if (where.length > 0) {
      made.push(await makeTotals(plan, filteredFolds(form), job, deps));
    }
    for (const request of requestsAhead(form, plan.day.date, plan.expectedRows)) {
      job.signal.throwIfAborted();
      const kind = reportKind(request.report);
      const detail = { job: { ...quiet(job), request }, kind, planned: [plan], renderAgain: false };
      made.push(...(await makeDetail(detail, deps)).days);
    }
  }
  return made.every(({ cached }) => cached);
}

/**
 * The day's rows part, where it is not there yet, and totals of it that share a filter. They may be
 * of several reports; the day is made as one of rows, since the totals of such a report also hold
 * how many rows pass the filter in each chunk.
 */
async function makeTotals(
  plan: PlannedDay,
  folds: readonly FoldSpec[],
  job: ReportJob,
  deps: ReportDeps,
): Promise<MadeDay> {
  const [{ where, report }] = folds;
  const kind = rowReportOf(reportKind(report).dataset);
  const request = { ...job.request, report: kind.name, grain: kind.defaultGrain, where };
  const common = daysJobOf({
    job: { ...quiet(job), request },
    kind,
    planned: [plan],
    renderAgain: false,
  });
  const [made] = await makeDays(
    [plan],
    { ...common, folds, specOf: () => null, rowsPartOf: () => null, onDay: () => {} },
    deps,
  );
  return made;
}

/** The steps of a run do not tell its progress. */
function quiet(job: ReportJob): ReportJob {
  return { ...job, onProgress: () => {} };
}
