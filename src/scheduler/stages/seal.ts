import { randomUUID } from 'node:crypto';
import { reportKind } from '../../reports/registry.ts';
import { subjectOf, variantsOf } from '../../reports/schedule-request.ts';
import type { Tx } from '../../store/database.ts';
import { oweNotices } from '../../store/notices.ts';
import { moveOccurrences, type OccurrenceMove } from '../../store/process-occurrences.ts';
import {
  claimAmendments,
  claimEnded,
  type EndedOccurrence,
  type EndedRun,
  endSettledOccurrences,
  insertDeliveries,
  insertReportFiles,
  type NewDelivery,
  type NewReportFile,
  releaseDigests,
} from '../../store/seal-occurrences.ts';
import type { StageDeps } from './stage.ts';

/** The second half of the stage `process`: what was made is sealed, and owed to its recipients. */

const BATCH = 200;
/** What did not add up is made again after this: 15 min. */
const MADE_AGAIN_MS = 15 * 60_000;

export interface SealedCounts {
  /** Files. */
  readonly sealed: number;
  readonly skipped: number;
  /** Occurrences that wait for data once more. */
  readonly heldAgain: number;
  readonly unmade: number;
  /** Amendments that were sealed. */
  readonly amended: number;
}

export async function sealOccurrences(
  now: number,
  { database }: Pick<StageDeps, 'database'>,
  signal: AbortSignal,
): Promise<SealedCounts> {
  const counts = { sealed: 0, skipped: 0, heldAgain: 0, unmade: 0 };
  for (;;) {
    signal.throwIfAborted();
    const batch = await database.asSystem((tx) => sealBatch(tx, now), { repeatable: true });
    if (batch === null) break;
    counts.sealed += batch.files;
    counts.skipped += batch.moves.filter(({ to }) => to === 'skipped').length;
    counts.heldAgain += batch.moves.filter(({ to }) => to === 'held').length;
    counts.unmade += batch.moves.filter(({ to }) => to === 'failed').length;
  }
  const amended = await database.asSystem(sealAmendments, { repeatable: true });
  await database.asSystem(async (tx) => {
    await releaseDigests(tx);
    await endSettledOccurrences(tx);
  });
  return { ...counts, amended };
}

async function sealBatch(
  tx: Tx,
  now: number,
): Promise<{ readonly files: number; readonly moves: readonly OccurrenceMove[] } | null> {
  const ended = await claimEnded(tx, BATCH);
  if (ended.length === 0) return null;
  const files: NewReportFile[] = [];
  const owed: NewDelivery[] = [];
  const moves = ended.map((occurrence) => {
    const sealed = fileOf(occurrence);
    files.push(...sealed);
    owed.push(...sealed.flatMap((file) => deliveriesOf(file, occurrence.digestId)));
    return moveOf(occurrence, sealed.length, now);
  });
  await insertReportFiles(tx, files);
  await insertDeliveries(tx, owed);
  await moveOccurrences(tx, ['processing'], moves);
  await oweNotices(
    tx,
    moves
      .filter(({ to }) => to === 'failed')
      .map(({ id }) => ({ occurrenceId: id, topic: 'failed', detail: {} })),
  );
  return { files: files.length, moves };
}

/** They go to whom the file went that they amend, whatever became of its schedule. */
async function sealAmendments(tx: Tx): Promise<number> {
  const ended = await claimAmendments(tx, BATCH);
  const files = ended.flatMap(({ id, tenantId, recipients, run }) =>
    run.file ? [reportFileOf({ id, tenantId, incompleteDays: [] }, run, run.file, recipients)] : [],
  );
  await insertReportFiles(tx, files);
  await insertDeliveries(
    tx,
    files.flatMap((file) => deliveriesOf(file, null)),
  );
  return files.length;
}

/** The file of each run that made one which is to go out. */
function fileOf(occurrence: EndedOccurrence): NewReportFile[] {
  const { spec } = occurrence;
  return occurrence.runs.flatMap((run) => {
    if (run.state !== 'done' || run.file === null) return [];
    if (spec.empty === 'skip' && run.file.rows === 0) return [];
    const variant = variantsOf(spec, run.request.period).find(
      (each) => each.variant === run.variant,
    );
    return variant ? [reportFileOf(occurrence, run, run.file, variant.recipients)] : [];
  });
}

/** What is sealed of a run's file. */
function reportFileOf(
  occurrence: Pick<EndedOccurrence, 'id' | 'tenantId' | 'incompleteDays'>,
  run: EndedRun,
  file: NonNullable<EndedRun['file']>,
  recipients: NewReportFile['recipients'],
): NewReportFile {
  const { request, variant } = run;
  const { name, mediaType, bytes, sha256, dataAsOf, revision, dayKeys } = file;
  const { windowStart, windowEnd } = file;
  return {
    id: randomUUID(),
    tenantId: occurrence.tenantId,
    occurrenceId: occurrence.id,
    runId: run.id,
    fileId: file.id,
    ...{ request, variant, name, mediaType, bytes, sha256, dataAsOf, revision, dayKeys },
    ...{ windowStart, windowEnd },
    subject: subjectOf(request),
    recipients: recipients.map(({ kind, recipient }) => ({ kind, recipient })),
    rowCount: file.rows,
    amendmentOf: run.amends,
    incompleteDays: occurrence.incompleteDays,
    dataset: reportKind(request.report).dataset,
    retainedUntil: file.expiresAt,
  };
}

function deliveriesOf(file: NewReportFile, digestId: string | null): NewDelivery[] {
  const { id, tenantId, occurrenceId, amendmentOf } = file;
  const purpose = amendmentOf !== null ? 'amendment' : digestId === null ? 'report' : 'digest';
  return file.recipients.map(({ kind, recipient }) => ({
    ...{ tenantId, occurrenceId, reportFileId: id, kind, recipient, purpose, digestId },
  }));
}

/** What comes of an occurrence with so many sealed files. */
function moveOf(
  { id, runs, spec, holdUntil }: EndedOccurrence,
  sealed: number,
  now: number,
): OccurrenceMove {
  const unmade = runs.filter(({ state }) => state !== 'done');
  const awaited = unmade.find(({ errorCode }) => errorCode === 'E_TOTALS_MISMATCH');
  const until = holdUntil ?? now + spec.holdHours * 3_600_000;
  if (awaited && sealed === 0 && now < until) {
    const reason = `its data does not add up: ${awaited.errorMessage}`;
    const again = { holdUntil: until, lookAt: now + MADE_AGAIN_MS };
    return { id, to: 'held', reason, errorCode: awaited.errorCode, ...again };
  }
  const [first] = unmade;
  if (first) {
    const some = runs.length > 1 ? `${unmade.length} of ${runs.length} files were not made: ` : '';
    const reason = `${some}${first.errorMessage ?? `the run was ${first.state}`}`;
    return { id, to: 'failed', reason, errorCode: first.errorCode };
  }
  if (sealed === 0) return { id, to: 'skipped', reason: 'the report has no rows' };
  return { id, to: 'sealed' };
}
