import { datasetOf } from '../../reports/dataset.ts';
import type { ReportKind } from '../../reports/define-report.ts';
import type { DocumentChanges, ReportDocument } from '../../reports/document.ts';
import { documentChanges } from '../../reports/document-changes.ts';
import { type DayKeys, findAmended } from '../../store/report-files.ts';
import type { MadeDay } from '../make-days.ts';
import type { ReportDeps, ReportJob } from '../report-job.ts';
import { compareDays } from './compare-days.ts';

/** Lines of the Changes sheet. */
const MOST_LISTED = 2_000;

/**
 * How an amendment differs from the file that it amends: its rows by their key, where the rows of
 * then are still there, and its totals. Undefined for what amends nothing.
 */
export async function describeChanges(
  job: ReportJob,
  kind: ReportKind,
  days: readonly MadeDay[],
  dayKeys: DayKeys | null,
  document: ReportDocument,
  deps: ReportDeps,
): Promise<DocumentChanges | undefined> {
  const amends = job.sealing?.amends;
  if (!amends || dayKeys === null) return undefined;
  const before = await deps.database.asTenant(job.tenant.id, (tx) => findAmended(tx, amends));
  if (before === null) return undefined;
  const known = new Map(before.dayKeys.map(([date, key]) => [date, key]));
  const changed = dayKeys.filter(([date, key]) => known.get(date) !== key);
  const { locale, headers } = job.request;
  return documentChanges({
    dataset: datasetOf(kind.dataset),
    words: { locale, headers },
    revision: before.revision,
    days: changed.map(([date]) => date),
    rows: await compareDays(
      {
        use: {
          tenantId: job.tenant.id,
          holder: { runId: job.runId, leaseToken: job.leaseToken },
        },
        ...{ dataset: kind.dataset, where: job.request.where, days, changed, known },
        mostListed: MOST_LISTED,
      },
      deps,
      job.signal,
    ),
    before: before.document.totals,
    after: document.totals,
  });
}
