import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { DaybookError, toFileError } from '../../errors.ts';
import { readCarrierFile } from '../../ingest/carrier-file.ts';
import { formatDecimal, parseDecimal } from '../../money/decimal.ts';
import type { ReportDocument } from '../../reports/document.ts';
import { filterInWords } from '../../reports/filter-words.ts';
import { reconciliationScope } from '../../reports/reconciliation-scope.ts';
import { reportKind } from '../../reports/registry.ts';
import { subjectOf } from '../../reports/schedule-request.ts';
import { type CarrierFileRow, findCarrierFile } from '../../store/carrier-files.ts';
import { type DayKeys, findLatestSealed } from '../../store/report-files.ts';
import { findRun } from '../../store/runs.ts';
import { irregularDaysOf, windowOf } from '../../time/calendar.ts';
import { openArtifact } from '../artifact.ts';
import { type PlannedDay, planDays, requestCalendar } from '../plan-days.ts';
import type { ProducedReport, ReportDeps, ReportJob } from '../report-job.ts';
import { readLoaded } from './loaded-side.ts';
import { totalsOf, writeReconciliation } from './reconciliation-workbook.ts';
import {
  type RanReconciliation,
  type ReadCarrier,
  type ReconciliationWanted,
  runReconciliation,
} from './run-reconciliation.ts';
import { enterReconciliation, type SaidOfReconciliation } from './save-reconciliation.ts';

/**
 * Makes the workbook of a run whose report is `reconciliation`: of the file that was uploaded for it,
 * or of the carrier's rows that are loaded. What was found is entered with the file, under the id of
 * the run, so that a run which is executed again leaves one reconciliation.
 */

type Deps = Pick<ReportDeps, 'database' | 'source' | 'home'>;

/** @throws DaybookError `E_INPUT`, `E_MAP`, `E_FILTER`, `E_UNAVAILABLE`, `E_NO_SPACE` */
export async function produceReconciliation(job: ReportJob, deps: Deps): Promise<ProducedReport> {
  const { request, tenant, signal } = job;
  const carrier = await carrierOf(job, deps);
  const planned = await planDays(request, reportKind('reconciliation'), tenant, {
    ...deps,
    signal,
  });
  job.onProgress({ daysTotal: planned.length, daysDone: 0, daysCached: 0, rowsRead: 0 });
  const calendar = requestCalendar(request, tenant);
  const wanted = { ...carrier.wanted, tenant: { id: tenant.id, calendar } };
  const ran = await runReconciliation(wanted, carrier.read, { ...deps, signal });
  const { revision, dayKeys } = await revisionOf(job, planned, deps);
  const document = describe(job, ran, planned, revision);
  const fileId = randomUUID();
  const path = join('files', tenant.id, `${fileId}.xlsx`);
  const artifact = openArtifact({
    home: deps.home,
    path,
    coding: 'identity',
    onBytes: (storedBytes, at, isWhole) =>
      job.onArtifact({ fileId, path: at, storedBytes, isWhole }),
  });
  try {
    const { currency, zone, unrated } = ran;
    const { period, carrier: name } = wanted;
    await writeReconciliation(
      { tenant: tenant.title, period, zone, carrier: name, currency, unrated },
      { found: ran.found, parties: ran.parties, locale: request.locale },
      { out: (bytes) => artifact.write(bytes), signal },
    );
    signal.throwIfAborted();
    const written = await artifact.commit();
    const days = planned.length;
    const rowsRead = ran.found.ours.rows + ran.found.theirs.rows;
    job.onProgress({ daysTotal: days, daysDone: days, daysCached: 0, rowsRead });
    const said: SaidOfReconciliation = {
      id: job.runId,
      tenantId: tenant.id,
      period,
      carrier: name,
      carrierSha256: carrier.sha256,
      request: {
        ...carrier.request,
        tolerance_amount: formatDecimal(ran.found.tolerances.amount),
      },
      requestedBy: carrier.requestedBy,
    };
    return {
      ...{ ...written, fileId, path, document, dayKeys, rows: document.rows },
      enter: async (tx) => void (await enterReconciliation(tx, ran, said, signal)),
    };
  } catch (error) {
    job.onArtifact(null);
    await artifact.abort();
    throw error;
  }
}

interface Carrier {
  readonly wanted: Omit<ReconciliationWanted, 'tenant'>;
  readonly read: ReadCarrier;
  readonly sha256: string | null;
  readonly request: Readonly<Record<string, unknown>>;
  readonly requestedBy: string;
}

async function carrierOf({ request, tenant, runId }: ReportJob, deps: Deps): Promise<Carrier> {
  const { upload } = request.params;
  const { run, file } = await deps.database.asTenant(tenant.id, async (tx) => ({
    run: await findRun(tx, runId),
    file: typeof upload === 'string' ? await findCarrierFile(tx, upload) : null,
  }));
  if (run === null) throw new DaybookError('E_NOT_FOUND', { what: 'run', got: runId });
  const { requestedBy } = run;
  const { period } = request;
  if (file) return { ...ofFile(file, deps.home), requestedBy, wanted: wantedOfFile(file, period) };
  if (upload !== undefined) {
    throw new DaybookError('E_NOT_FOUND', { what: 'file of a carrier', got: String(upload) });
  }
  const { trunk, countryCode, toleranceSeconds } = reconciliationScope(request);
  const name = trunk === null ? 'carrier_calls' : `carrier_calls of ${trunk}`;
  return {
    wanted: {
      ...{ period, carrier: name, trunk, direction: null, countryCode },
      tolerances: { seconds: toleranceSeconds, amount: null },
    },
    read: readLoaded(deps.source, { tenantId: tenant.id, trunk }),
    sha256: null,
    request: { tolerance_seconds: toleranceSeconds, trunk, country_code: countryCode },
    requestedBy,
  };
}

function wantedOfFile(
  { name, request }: CarrierFileRow,
  period: ReconciliationWanted['period'],
): Carrier['wanted'] {
  const { trunk, direction, country_code: countryCode, tolerance_amount: amount } = request;
  return {
    ...{ period, carrier: name, trunk, direction, countryCode },
    tolerances: {
      seconds: request.tolerance_seconds,
      amount: amount === null ? null : parseDecimal(amount),
    },
  };
}

function ofFile(
  { name, path, sha256, request }: CarrierFileRow,
  home: string,
): Pick<Carrier, 'read' | 'sha256' | 'request'> {
  return {
    read: async (window, into) => {
      const bytes = createReadStream(join(home, path)) as AsyncIterable<Buffer>;
      try {
        const { map } = request;
        return await readCarrierFile(bytes, { name, format: null, map, window }, into);
      } catch (error) {
        throw error instanceof DaybookError ? error : toFileError(error, `DAYBOOK_HOME/${path}`);
      }
    },
    sha256,
    request: { ...request },
  };
}

/**
 * Of what is to be sealed: which rows of the carrier it was made of, so that late ones are noticed,
 * and which revision it is.
 */
async function revisionOf(
  { request, tenant, sealing }: ReportJob,
  planned: readonly PlannedDay[],
  { database }: Deps,
): Promise<{ readonly revision: number; readonly dayKeys: DayKeys | null }> {
  if (sealing === null) return { revision: 1, dayKeys: null };
  const dayKeys = planned.map(({ day, rowsKey, expectedRows }): [string, string] => [
    day.date,
    expectedRows === 0 ? '' : rowsKey,
  ]);
  const before = await database.asTenant(tenant.id, (tx) =>
    findLatestSealed(tx, subjectOf(request)),
  );
  if (before === null) return { revision: 1, dayKeys };
  const same = JSON.stringify(before.dayKeys) === JSON.stringify(dayKeys);
  return { revision: before.revision + (same ? 0 : 1), dayKeys };
}

/** What messages say of the workbook; its totals are both sides and their difference. */
function describe(
  { request, tenant, sealing }: ReportJob,
  { found, currency }: RanReconciliation,
  planned: readonly PlannedDay[],
  revision: number,
): ReportDocument {
  const { locale, headers, format, grain, period } = request;
  const calendar = requestCalendar(request, tenant);
  const changes = planned.flatMap(({ changedAt }) => (changedAt === null ? [] : [changedAt]));
  const none = { columns: [], rows: [] };
  return {
    report: 'reconciliation',
    title: reportKind('reconciliation').labels[locale],
    tenant: tenant.title,
    ...{ locale, headers, format, grain, period, revision },
    zones: [...new Set(planned.map(({ day }) => day.zone))],
    window: windowOf(calendar, period),
    irregularDays: irregularDaysOf(calendar, period),
    dataAsOf: changes.length === 0 ? null : Math.max(...changes),
    ...(sealing?.incompleteDays.length ? { incompleteDays: sealing.incompleteDays } : {}),
    filters: [...request.where.map(filterInWords), `currency = ${currency}`],
    params: [],
    columns: [],
    rows: Object.values(found.classes).reduce((sum, { ours }) => sum + ours.length, 0),
    totals: totalsOf({ found, locale }),
    byDay: none,
    control: none,
  };
}
