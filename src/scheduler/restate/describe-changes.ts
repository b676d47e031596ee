import { RowComparison } from '../../reports/compare-rows.ts';
import { datasetOf } from '../../reports/dataset.ts';
import type { RowsPartRef } from '../../reports/day-task.ts';
import type { ReportKind } from '../../reports/define-report.ts';
import type { DocumentChanges, ReportDocument } from '../../reports/document.ts';
import { documentChanges } from '../../reports/document-changes.ts';
import { compileFilter } from '../../reports/filter.ts';
import { findParts } from '../../store/parts.ts';
import { type DayKeys, findAmended } from '../../store/report-files.ts';
import type { MadeDay } from '../make-days.ts';
import type { ReportDeps, ReportJob } from '../report-job.ts';

/** Lines of the Changes sheet. */
const MOST_LISTED = 2_000;
/** More rows than this in the days that changed are not compared one by one. */
const MOST_COMPARED = 1_000_000;

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
    rows: await compareDays(job, kind, days, changed, known, deps),
    before: before.document.totals,
    after: document.totals,
  });
}

interface ComparedDay {
  readonly made: MadeDay;
  /** Null: the day had, or has, no row. */
  readonly old: RowsPartRef | null;
  readonly now: RowsPartRef | null;
}

/** Null where a part of then is gone, or there are too many rows. */
async function compareDays(
  job: ReportJob,
  kind: ReportKind,
  days: readonly MadeDay[],
  changed: DayKeys,
  known: ReadonlyMap<string, string>,
  deps: ReportDeps,
): Promise<RowComparison | null> {
  const dataset = datasetOf(kind.dataset);
  const pairs = await pairsOf(job, days, changed, known, deps);
  if (pairs === null) return null;
  const rows = pairs.reduce((sum, { old, now }) => sum + (old?.rows ?? 0) + (now?.rows ?? 0), 0);
  if (rows > MOST_COMPARED) return null;
  const comparison = new RowComparison(dataset, MOST_LISTED);
  for (const [side, add] of [
    ['old', 'addOld'],
    ['now', 'addNew'],
    ['old', 'addOldAgain'],
  ] as const) {
    for (const pair of pairs) {
      const ref = pair[side];
      if (ref === null) continue;
      const select = compileFilter(dataset, job.request.where, pair.made.day.zone);
      for await (const chunk of deps.parts.readRows(ref, dataset)) {
        job.signal.throwIfAborted();
        comparison[add](chunk, select(chunk));
      }
    }
  }
  return comparison;
}

async function pairsOf(
  job: ReportJob,
  days: readonly MadeDay[],
  changed: DayKeys,
  known: ReadonlyMap<string, string>,
  deps: ReportDeps,
): Promise<ComparedDay[] | null> {
  const holder = { runId: job.runId, leaseToken: job.leaseToken };
  const tenantId = job.tenant.id;
  const keys = changed.flatMap(([date, key]) => [known.get(date) ?? '', key]);
  const found = await deps.database.asTenant(tenantId, (tx) =>
    findParts(
      tx,
      { tenantId, holder },
      keys.filter((key) => key !== ''),
    ),
  );
  const partOf = (key: string): RowsPartRef | null | undefined => {
    if (key === '') return null;
    const part = found.get(key);
    return part?.kind === 'rows' ? part.ref : undefined;
  };
  const pairs: ComparedDay[] = [];
  for (const [date, key] of changed) {
    const made = days.find(({ day }) => day.date === date);
    const old = partOf(known.get(date) ?? '');
    const now = made?.rowsPart ?? partOf(key);
    if (!made || old === undefined || now === undefined) return null;
    pairs.push({ made, old, now });
  }
  return pairs;
}
