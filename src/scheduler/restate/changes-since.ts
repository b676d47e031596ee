import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchFolder } from '../../cache/unfinished.ts';
import type { ChangesProducer } from '../../reports/changes.ts';
import { datasetOf } from '../../reports/dataset.ts';
import { documentChanges } from '../../reports/document-changes.ts';
import { totalsTable } from '../../reports/document-tables.ts';
import { mergeTotals, summaryFold } from '../../reports/fold.ts';
import { reportKind } from '../../reports/registry.ts';
import { type DayKeys, findAmended, findReportFile } from '../../store/report-files.ts';
import { requireTenant } from '../../store/tenants.ts';
import { dataAsOfDays, makeDays } from '../make-days.ts';
import { planDays } from '../plan-days.ts';
import type { ReportDeps } from '../report-job.ts';
import { compareDays } from './compare-days.ts';

/**
 * What an amendment would say, without making one: nothing is sealed, noted or sent. Days that did not
 * change come from their totals; those that did are made, as for a summary.
 */
export function createChangesProducer(
  deps: Pick<ReportDeps, 'database' | 'source' | 'dispatcher' | 'parts' | 'home' | 'meter'>,
): ChangesProducer {
  const { database } = deps;
  return async ({ tenantId, fileId, mostListed }, signal) => {
    const before = await database.asTenant(tenantId, async (tx) => {
      const [file, amended] = [await findReportFile(tx, fileId), await findAmended(tx, fileId)];
      return file && amended && { ...amended, request: { ...file.request, cache: true } };
    });
    if (!before) return null;
    const { request } = before;
    const kind = reportKind(request.report);
    const tenant = await database.asSystem((tx) => requireTenant(tx, tenantId));
    const overall = summaryFold(kind, request);
    const planned = await planDays(request, kind, tenant, { ...deps, signal });
    const known = new Map(before.dayKeys.map(([date, key]) => [date, key]));
    const changed: DayKeys = planned
      .map(({ day, rowsKey, expectedRows }): [string, string] => {
        return [day.date, expectedRows === 0 ? '' : rowsKey];
      })
      .filter(([date, key]) => known.get(date) !== key);
    const scratchDir = scratchFolder(`changes-${randomUUID()}`);
    try {
      const days = await makeDays(
        planned,
        {
          ...{
            tenantId,
            attempt: null,
            workClass: 'interactive',
            kind,
            request,
            scratchDir,
            signal,
          },
          ...{ folds: [overall], specOf: () => null, rowsPartOf: () => null, renderAgain: false },
          onDay: () => {},
        },
        deps,
      );
      const { locale, headers } = request;
      const totals = mergeTotals(
        overall,
        days.map((made) => made.totals[0]),
      );
      const compared = {
        use: { tenantId, holder: null },
        ...{ dataset: kind.dataset, where: request.where, days, changed, known, mostListed },
      };
      return {
        document: before.document,
        dataAsOf: dataAsOfDays(days),
        changes: documentChanges({
          dataset: datasetOf(kind.dataset),
          words: { locale, headers },
          revision: before.revision,
          days: changed.map(([date]) => date),
          rows: await compareDays(compared, deps, signal),
          before: before.document.totals,
          after: totalsTable({ kind, totals, locale, headers }),
        }),
      };
    } finally {
      await rm(join(deps.home, scratchDir), { recursive: true, force: true });
    }
  };
}
