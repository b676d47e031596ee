import { basename, join } from 'node:path';
import { readPiece } from '../cache/fragment-part.ts';
import { DaybookError } from '../errors.ts';
import { assembleFile } from '../reports/assemble.ts';
import { buildDocument } from '../reports/build-document.ts';
import type { ReportKind } from '../reports/define-report.ts';
import type { ReportDocument } from '../reports/document.ts';
import { detailFold, summaryFold } from '../reports/fold.ts';
import type { FragmentForm, FragmentSpec, StoredPiece } from '../reports/fragment.ts';
import { outColumns } from '../reports/out-columns.ts';
import { reportKind } from '../reports/registry.ts';
import { planSheets } from '../reports/render/sheet-plan.ts';
import type { Format, ReportRequest } from '../reports/request.ts';
import { dropPart } from '../store/parts.ts';
import { irregularDaysOf } from '../time/calendar.ts';
import { openArtifact } from './artifact.ts';
import { type MadeDay, makeDays } from './make-days.ts';
import { type PlannedDay, planDays, requestCalendar } from './plan-days.ts';
import { renderPeriod } from './render-period.ts';
import type { ProducedReport, ReportDeps, ReportJob } from './report-job.ts';

/** `cell_refs: auto` writes references up to this many rows, and for all that is scheduled. */
export const AUTO_REFS_ROWS = 100_000;
/** Parts that turn out damaged are dropped and made again this many times. */
const ATTEMPTS = 3;

/** Makes the one file of a run: its days, then their assembly. */
export async function produceReport(job: ReportJob, deps: ReportDeps): Promise<ProducedReport> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await produceOnce(job, deps);
    } catch (error) {
      if (!isDamage(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function produceOnce(job: ReportJob, deps: ReportDeps): Promise<ProducedReport> {
  const { request, tenant } = job;
  const kind = reportKind(request.report);
  const { database, source } = deps;
  const planned = await planDays(request, kind, tenant, { database, source, signal: job.signal });
  const { days, pieces, cellRefs } = await makeDetail(job, kind, planned, deps);
  const document = describe(job, kind, days, pieces);
  const artifact = openArtifact(join(deps.home, job.path));
  try {
    const { rows } = await assembleFile({
      document,
      pieces,
      cellRefs,
      openPiece: (index) => pieceBytes(deps.home, pieces[index]),
      out: (bytes) => artifact.write(bytes),
      signal: job.signal,
    });
    checkRows(rows, document);
    job.signal.throwIfAborted();
    return { ...(await artifact.commit()), document, rows };
  } catch (error) {
    await artifact.abort();
    if (isDamage(error)) await dropDamaged(pieces, job, deps);
    throw error;
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof DaybookError && error.code === 'E_PART_DAMAGED';
}

/** One damaged part is seldom alone, such as when a folder is gone: forgets all of the run's. */
async function dropDamaged(
  pieces: readonly StoredPiece[],
  { tenant, signal }: ReportJob,
  { database, home }: ReportDeps,
): Promise<void> {
  const keys = new Set<string>();
  for (const piece of pieces) {
    signal.throwIfAborted();
    await readPiece(home, piece).catch((error) => {
      if (!isDamage(error)) throw error;
      keys.add(basename(piece.path).split('.')[0]);
    });
  }
  await database.asTenant(tenant.id, async (tx) => {
    for (const key of keys) await dropPart(tx, key);
  });
}

interface Detail {
  readonly days: readonly MadeDay[];
  readonly pieces: readonly StoredPiece[];
  readonly cellRefs: boolean;
}

/**
 * The days and the pieces of the Detail rows. Cell references need the row counts of all earlier
 * days, so days are counted first and rendered then, from their rows parts; where many rows are
 * expected the minimal form is rendered at once, and again only if they turn out to be few.
 */
async function makeDetail(
  job: ReportJob,
  kind: ReportKind,
  planned: readonly PlannedDay[],
  deps: ReportDeps,
): Promise<Detail> {
  const { request } = job;
  const byDay = kind.shape === 'rows' || request.grain !== 'period';
  const spec = specOf(request, kind);
  const refsWanted = request.format === 'xlsx' && request.cellRefs !== 'never';
  const expected = planned.reduce((sum, plan) => sum + plan.expectedRows, 0);
  const manyExpected =
    request.cellRefs === 'auto' && job.workClass === 'interactive' && expected > AUTO_REFS_ROWS;
  const renderAtOnce = byDay && (!refsWanted || manyExpected);

  const progress = { daysTotal: planned.length, daysDone: 0, daysCached: 0, rowsRead: 0 };
  const common = daysJob(job, kind);
  const days = await makeDays(
    planned,
    {
      ...common,
      specOf: () => (renderAtOnce ? spec : null),
      rowsPartOf: () => null,
      onDay: (made, rowsRead) => {
        progress.daysDone += 1;
        if (made.cached) progress.daysCached += 1;
        progress.rowsRead += rowsRead;
        job.onProgress({ ...progress });
      },
    },
    deps,
  );
  if (!byDay) return { days, ...(await renderPeriod(job, kind, spec, days, refsWanted, deps)) };

  const rows = days.flatMap((made) => made.pieceRows).reduce((sum, count) => sum + count, 0);
  const cellRefs =
    refsWanted &&
    (request.cellRefs === 'always' || job.workClass === 'scheduled' || rows <= AUTO_REFS_ROWS);
  if (renderAtOnce && !cellRefs) return { days, pieces: piecesOf(days), cellRefs };

  const specs = cellRefs ? withFirstRows(spec, days) : days.map(() => spec);
  const rendered = await makeDays(
    planned,
    {
      ...common,
      specOf: (index) => specs[index],
      rowsPartOf: (index) => days[index].rowsPart,
      onDay: () => {},
    },
    deps,
  );
  return { days, pieces: piecesOf(rendered), cellRefs };
}

function daysJob(job: ReportJob, kind: ReportKind) {
  const { request, tenant, runId, workClass, scratchDir, signal } = job;
  const folds = foldsOf(kind, request);
  return { tenantId: tenant.id, runId, workClass, kind, request, folds, scratchDir, signal };
}

/** The detail lines of a grouped report, then the totals of any report. */
function foldsOf(kind: ReportKind, request: ReportRequest) {
  const summary = summaryFold(kind, request);
  return kind.shape === 'groups' ? [detailFold(kind, request), summary] : [summary];
}

function withFirstRows(spec: FragmentSpec, days: readonly MadeDay[]): FragmentSpec[] {
  const places = planSheets(days.flatMap((made) => made.pieceRows));
  let next = 0;
  return days.map((made) => {
    const firstRows = made.pieceRows.map(() => places[next++].firstRow);
    return { ...spec, firstRows };
  });
}

function piecesOf(days: readonly MadeDay[]): StoredPiece[] {
  return days.flatMap((made) => made.fragment?.pieces ?? []);
}

function specOf(request: ReportRequest, kind: ReportKind): FragmentSpec {
  return {
    form: FORMS[request.format],
    columns: outColumns(kind, request),
    locale: request.locale,
    headers: request.headers,
    firstRows: null,
  };
}

const FORMS: Readonly<Record<Format, FragmentForm>> = {
  csv: 'csv',
  'csv.gz': 'csv',
  zip: 'csv',
  ndjson: 'ndjson',
  xlsx: 'xlsx',
};

function describe(
  job: ReportJob,
  kind: ReportKind,
  days: readonly MadeDay[],
  pieces: readonly StoredPiece[],
): ReportDocument {
  const { request, tenant } = job;
  const changes = days.flatMap((made) => made.rowsPart?.dataAsOf ?? []);
  return buildDocument({
    kind,
    request,
    tenantName: tenant.title,
    days: days.map((made) => ({
      day: made.day,
      rows: made.rowsPart?.rows ?? 0,
      fileRows: made.pieceRows.reduce((sum, rows) => sum + rows, 0),
      rowsSha256: made.rowsPart?.sha256 ?? '',
      totals: made.totals[made.totals.length - 1],
    })),
    irregular: irregularDaysOf(requestCalendar(request, tenant), request.period),
    dataAsOf: changes.length === 0 ? null : Math.max(...changes),
    revision: 1,
    fileRows: pieces.reduce((sum, piece) => sum + piece.rows, 0),
  });
}

function checkRows(assembled: number, document: ReportDocument): void {
  if (assembled === document.rows) return;
  throw new DaybookError('E_TOTALS_MISMATCH', {
    where: 'rows of the file',
    got: assembled,
    expected: document.rows,
  });
}

async function* pieceBytes(home: string, piece: StoredPiece): AsyncGenerator<Uint8Array> {
  yield await readPiece(home, piece);
}
