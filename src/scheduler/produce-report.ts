import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DaybookError } from '../errors.ts';
import { assembleFile } from '../reports/assemble.ts';
import { isTextFormat } from '../reports/assemble-text.ts';
import type { ReportDocument } from '../reports/document.ts';
import type { Piece } from '../reports/fragment.ts';
import { reportKind } from '../reports/registry.ts';
import { codingOf } from '../reports/stored-form.ts';
import { forgetParts } from '../store/parts.ts';
import type { DayKeys } from '../store/report-files.ts';
import { type ArtifactWriter, openArtifact } from './artifact.ts';
import { describeBalances } from './describe-balances.ts';
import { describeReport } from './describe-report.ts';
import { type DetailJob, hasLinesByDay } from './detail-job.ts';
import { type MadeDay, piecesOf } from './make-days.ts';
import { makeDetail } from './make-detail.ts';
import { planDays } from './plan-days.ts';
import { produceText } from './produce-text.ts';
import { proveMoney } from './prove-money.ts';
import { openInOrder } from './read-pieces.ts';
import type { ProducedReport, ReportDeps, ReportJob } from './report-job.ts';
import { describeChanges } from './restate/describe-changes.ts';
import { sealDays } from './seal-days.ts';

/** A damaged fragment is dropped, and all of the run's are rendered again, this many times. */
const ATTEMPTS = 3;

/** Makes the one file of a run: its days, and of them the file. */
export async function produceReport(job: ReportJob, deps: ReportDeps): Promise<ProducedReport> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await produceOnce(job, attempt > 1, deps);
    } catch (error) {
      if (!(error instanceof DaybookError) || error.code !== 'E_PART_DAMAGED') throw error;
      await dropDamaged(error, job, deps);
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Nobody finds it any more; its file goes with the orphans. */
async function dropDamaged(error: DaybookError, job: ReportJob, deps: ReportDeps): Promise<void> {
  deps.log.warn({ part: error.details.path, reason: error.message }, 'a part is damaged');
  deps.meter?.damageFound();
  const { path } = error.details;
  if (typeof path !== 'string') return;
  await deps.database.asTenant(job.tenant.id, (tx) => forgetParts(tx, job.tenant.id, [path]));
}

async function produceOnce(
  job: ReportJob,
  renderAgain: boolean,
  deps: ReportDeps,
): Promise<ProducedReport> {
  const kind = reportKind(job.request.report);
  const planned = await planDays(job.request, kind, job.tenant, { ...deps, signal: job.signal });
  const { format } = job.request;
  const coding = codingOf(format);
  const fileId = randomUUID();
  const ending = coding === 'gzip' ? `${format}.gz` : format;
  const path = join('files', job.tenant.id, `${fileId}.${ending}`);
  const artifact = openArtifact({
    home: deps.home,
    path,
    coding,
    onBytes: (storedBytes, path, isWhole) => job.onArtifact({ fileId, path, storedBytes, isWhole }),
  });
  try {
    const { document, dayKeys } = await write({ job, kind, planned, renderAgain }, artifact, deps);
    job.signal.throwIfAborted();
    const written = await artifact.commit();
    return { ...written, fileId, path, document, rows: document.rows, dayKeys };
  } catch (error) {
    job.onArtifact(null);
    await artifact.abort();
    throw error;
  }
}

interface Described {
  readonly document: ReportDocument;
  readonly dayKeys: DayKeys | null;
}

/** Text goes out while it is made; what must know everything first is assembled when all is there. */
async function write(
  detail: DetailJob,
  artifact: ArtifactWriter,
  deps: ReportDeps,
): Promise<Described> {
  const { job } = detail;
  const { format } = job.request;
  if (isTextFormat(format) && hasLinesByDay(detail)) {
    const days = await produceText(detail, format, artifact, deps);
    return describe(detail, days, piecesOf(days), deps);
  }
  const { days, pieces, cellRefs } = await makeDetail(detail, deps);
  const { document, dayKeys } = await describe(detail, days, pieces, deps);
  await assembleFile({
    document,
    pieces,
    cellRefs,
    openPiece: openInOrder(deps.home, pieces),
    out: (bytes) => artifact.write(bytes),
    cut: artifact.cut,
    signal: job.signal,
  });
  return { document, dayKeys };
}

/** Which revision it is, what it says of itself, and of an amendment what changed. */
async function describe(
  { job, kind, planned }: DetailJob,
  days: readonly MadeDay[],
  pieces: readonly Piece[],
  deps: ReportDeps,
): Promise<Described> {
  await proveMoney(job, kind, days, deps);
  const { revision, dayKeys } = await sealDays(job, planned, days, deps);
  const described = describeReport(job, kind, days, pieces, revision);
  const balances = await describeBalances(job, described, deps);
  const document = balances ? { ...described, balances } : described;
  const changes = await describeChanges(job, kind, days, dayKeys, document, deps);
  return { document: changes ? { ...document, changes } : document, dayKeys };
}
