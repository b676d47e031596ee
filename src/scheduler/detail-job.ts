import type { ReportKind } from '../reports/define-report.ts';
import { detailFold, summaryFold } from '../reports/fold.ts';
import type { FragmentForm, FragmentSpec } from '../reports/fragment.ts';
import { outColumns } from '../reports/out-columns.ts';
import type { Format, ReportRequest } from '../reports/request.ts';
import type { DaysJob, MadeDay } from './make-days.ts';
import type { PlannedDay } from './plan-days.ts';
import type { ReportJob } from './report-job.ts';

/** The Detail rows of one file in the making. */
export interface DetailJob {
  readonly job: ReportJob;
  readonly kind: ReportKind;
  readonly planned: readonly PlannedDay[];
  /** Fragments that are there are not trusted. */
  readonly renderAgain: boolean;
}

/** Whether each day has lines of its own; else lines are of the whole period. */
export function hasLinesByDay({ kind, job }: DetailJob): boolean {
  return kind.shape === 'rows' || job.request.grain !== 'period';
}

/** What all passes over the days share. */
export function daysJobOf({ job, kind, renderAgain }: DetailJob) {
  const { request, tenant, workClass, scratchDir, signal } = job;
  const attempt = { runId: job.runId, leaseToken: job.leaseToken };
  const folds = foldsOf(kind, request);
  const tenantId = tenant.id;
  return { tenantId, attempt, workClass, kind, request, folds, scratchDir, signal, renderAgain };
}

/** Tells the run's progress, day by day, and then `also`. */
export function countingDays(
  { job, planned }: DetailJob,
  also: (made: MadeDay, index: number) => void = () => {},
): DaysJob['onDay'] {
  const progress = { daysTotal: planned.length, daysDone: 0, daysCached: 0, rowsRead: 0 };
  return (made, rowsRead, index) => {
    progress.daysDone += 1;
    if (made.cached) progress.daysCached += 1;
    progress.rowsRead += rowsRead;
    job.onProgress({ ...progress });
    also(made, index);
  };
}

/** How a day's lines are rendered, without references. */
export function specOf({ job: { request }, kind }: DetailJob): FragmentSpec {
  return {
    form: FORMS[request.format],
    columns: outColumns(kind, request),
    locale: request.locale,
    headers: request.headers,
    firstRows: null,
  };
}

/** The detail lines of a grouped report, then the totals of any report. */
function foldsOf(kind: ReportKind, request: ReportRequest) {
  const summary = summaryFold(kind, request);
  return kind.shape === 'groups' ? [detailFold(kind, request), summary] : [summary];
}

const FORMS: Readonly<Record<Format, FragmentForm>> = {
  csv: 'csv',
  'csv.gz': 'csv',
  zip: 'csv',
  ndjson: 'ndjson',
  xlsx: 'xlsx',
};
