import { DaybookError } from '../errors.ts';
import { assembleFile } from '../reports/assemble.ts';
import { isTextFormat } from '../reports/assemble-text.ts';
import type { ReportDocument } from '../reports/document.ts';
import { reportKind } from '../reports/registry.ts';
import { type ArtifactWriter, openArtifact } from './artifact.ts';
import { describeReport } from './describe-report.ts';
import { type DetailJob, hasLinesByDay } from './detail-job.ts';
import { piecesOf } from './make-days.ts';
import { makeDetail } from './make-detail.ts';
import { openStored } from './open-stored.ts';
import { planDays } from './plan-days.ts';
import { produceText } from './produce-text.ts';
import type { FileJob, ProducedReport, ReportDeps } from './report-job.ts';

/** Fragments of which one turns out damaged are all rendered again this many times. */
const ATTEMPTS = 3;

/** Makes the one file of a run: its days, and of them the file. */
export async function produceReport(job: FileJob, deps: ReportDeps): Promise<ProducedReport> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await produceOnce(job, attempt > 1, deps);
    } catch (error) {
      const damaged = error instanceof DaybookError && error.code === 'E_PART_DAMAGED';
      if (!damaged || attempt === ATTEMPTS) throw error;
    }
  }
}

async function produceOnce(
  job: FileJob,
  renderAgain: boolean,
  deps: ReportDeps,
): Promise<ProducedReport> {
  const kind = reportKind(job.request.report);
  const planned = await planDays(job.request, kind, job.tenant, { ...deps, signal: job.signal });
  const artifact = openArtifact(deps.home, job.path);
  try {
    const document = await write({ job, kind, planned, renderAgain }, artifact, deps);
    job.signal.throwIfAborted();
    return { ...(await artifact.commit()), document, rows: document.rows };
  } catch (error) {
    await artifact.abort();
    throw error;
  }
}

/** Text goes out while it is made; what must know everything first is assembled when all is there. */
async function write(
  detail: DetailJob,
  artifact: ArtifactWriter,
  deps: ReportDeps,
): Promise<ReportDocument> {
  const { job, kind } = detail;
  const { format } = job.request;
  if (isTextFormat(format) && hasLinesByDay(detail)) {
    const days = await produceText(detail, format, artifact, deps);
    return describeReport(job, kind, days, piecesOf(days));
  }
  const { days, pieces, cellRefs } = await makeDetail(detail, deps);
  const document = describeReport(job, kind, days, pieces);
  await assembleFile({
    document,
    pieces,
    cellRefs,
    openPiece: (index) => openStored(deps.home, pieces[index]),
    out: (bytes) => artifact.write(bytes),
    signal: job.signal,
  });
  return document;
}
