import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchFolder } from '../cache/unfinished.ts';
import { DaybookError, type ErrorCode, toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RunHint } from '../pool/messages.ts';
import { fileNameOf, mediaTypeOf } from '../reports/render/media-types.ts';
import type { Tx } from '../store/database.ts';
import { findFileOfRun, insertFile } from '../store/files.ts';
import type { ClaimedRun, RunProgress } from '../store/run-leases.ts';
import { moveRun } from '../store/runs.ts';
import { sealParts } from '../store/sealed-parts.ts';
import { makeAhead } from './ahead/make-ahead.ts';
import { hashOfNewFile } from './hash-files.ts';
import type { InTurn } from './in-turn.ts';
import { produceReport } from './produce-report.ts';
import { produceReconciliation } from './reconcile/produce-reconciliation.ts';
import type { ProducedReport, ReportDeps, ReportJob } from './report-job.ts';
import { progressWriter } from './run-progress.ts';

/** So many attempts may end with their holder; those that are given back do not count. */
const ATTEMPTS = 5;
/** What passes is waited for so long from its first failure on, then the run fails for it: 1 h. */
const PATIENCE_MS = 3_600_000;
const PASSING: readonly ErrorCode[] = ['E_UNAVAILABLE', 'E_BUSY'];
/** What passes only where somebody can be expected to mend it meanwhile. */
const MENDED: readonly ErrorCode[] = ['E_NO_SPACE', 'E_NO_DISK'];
/** Nobody sits before a run that serves a due time: it waits as long as its mails would, 3 days. */
const SCHEDULED_PATIENCE_MS = 3 * 86_400_000;
/** Finished interactive files are kept this long: 7 days. */
const INTERACTIVE_FILE_MS = 7 * 86_400_000;
/** Sealed ones, and those that a record belongs to, this long: 90 days. */
const SEALED_FILE_MS = 90 * 86_400_000;

export interface ExecuteDeps extends ReportDeps {
  /** A disk that is full or away is waited for, too; else it fails the run at once. */
  readonly waitsForSpace: boolean;
  /** Work that takes much memory, in turn. */
  readonly oneAtATime: InTurn;
  /** Tells whoever listens that a run moved. */
  readonly announce: (hint: RunHint) => void;
}

/** The runner goes away: its runs go back to the queue. */
export class Draining extends Error {}

/**
 * Executes one claimed run to its end: done with a file (one of class `precache` without), failed,
 * cancelled, or queued again. Never rejects.
 */
export async function executeRun(
  run: ClaimedRun,
  signal: AbortSignal,
  deps: ExecuteDeps,
): Promise<void> {
  const log = deps.log.child({ run: run.id, report: run.request.report });
  const scratchDir = scratchFolder(`${run.id}-${run.leaseToken}`);
  const progress = progressWriter(run, deps);
  let state: RunHint['state'] = 'running';
  try {
    if (run.attempts - run.setbacks > ATTEMPTS) throw usedUp(run);
    const job = {
      tenant: run.tenant,
      request: run.request,
      runId: run.id,
      leaseToken: run.leaseToken,
      workClass: run.workClass,
      sealing: run.occurrenceId === null ? null : { ...run },
      scratchDir,
      signal,
      onProgress: progress.note,
      onArtifact: progress.noteArtifact,
    };
    if (run.workClass === 'precache') {
      await makeAhead(job, { ...deps, log });
      const last = await progress.stop();
      await deps.database.asTenant(run.tenantId, (tx) => finish(tx, run, last));
    } else {
      const produced = await produce(job, { ...deps, log });
      const last = await progress.stop();
      await commitOrRemove(run, produced, last, signal, deps);
    }
    state = 'done';
  } catch (thrown) {
    const last = await progress.stop();
    state = await leave(run, signal.aborted ? signal.reason : thrown, last, deps, log);
  } finally {
    await rm(join(deps.home, scratchDir), { recursive: true, force: true }).catch(() => {});
    deps.announce(progress.hint(state));
  }
}

function produce(job: ReportJob, deps: ExecuteDeps): Promise<ProducedReport> {
  return job.request.report === 'reconciliation'
    ? deps.oneAtATime(() => produceReconciliation(job, deps), job.signal)
    : produceReport(job, deps);
}

async function commitOrRemove(
  run: ClaimedRun,
  produced: ProducedReport,
  progress: RunProgress | null,
  signal: AbortSignal,
  deps: ExecuteDeps,
): Promise<void> {
  try {
    await commit(run, produced, progress, signal, deps);
  } catch (error) {
    if (await isCommitted(run, produced.fileId, deps)) return;
    // What cannot be removed now is swept.
    await rm(join(deps.home, produced.path), { force: true }).catch(() => {});
    throw error;
  }
}

/** When it ended, UTC epoch ms. @throws DaybookError `E_LEASE_LOST` */
async function finish(tx: Tx, run: ClaimedRun, progress: RunProgress | null): Promise<number> {
  const { id, leaseToken } = run;
  const done = await moveRun(tx, { id, to: 'done', leaseToken, progress });
  if (done?.finishedAt == null) throw new DaybookError('E_LEASE_LOST', { got: run.id });
  return done.finishedAt;
}

/**
 * Whether a commit that seems to have failed went through, its answer lost. While nobody can say,
 * the file stays: better one too many on the disk than one too few in the ledger.
 */
async function isCommitted(run: ClaimedRun, fileId: string, deps: ExecuteDeps): Promise<boolean> {
  const file = await deps.database.asTenant(run.tenantId, (tx) => findFileOfRun(tx, run.id));
  return file?.id === fileId;
}

async function commit(
  run: ClaimedRun,
  produced: ProducedReport,
  progress: RunProgress | null,
  signal: AbortSignal,
  deps: ExecuteDeps,
): Promise<void> {
  const { request, tenant } = run;
  const { document, dayKeys } = produced;
  const name = fileNameOf({
    tenant: tenant.title,
    report: request.report,
    period: request.period,
    format: request.format,
    revision: document.revision,
  });
  // What is sealed bears its hash from the start; nobody waits for it.
  const sha256 =
    dayKeys === null
      ? null
      : await hashOfNewFile(deps.home, { ...produced, name }, () => signal.throwIfAborted());
  await deps.database.asTenant(
    run.tenantId,
    async (tx) => {
      // First: it may take long, and what prolongs leases waits for the row of a run that ends.
      await produced.enter?.(tx);
      const finishedAt = await finish(tx, run, progress);
      const keptMs = dayKeys === null && !produced.enter ? INTERACTIVE_FILE_MS : SEALED_FILE_MS;
      const expiresAt = finishedAt + keptMs;
      await Promise.all([
        dayKeys ? sealParts(tx, run.tenantId, dayKeys, expiresAt) : null,
        insertFile(tx, {
          id: produced.fileId,
          tenantId: run.tenantId,
          runId: run.id,
          name,
          format: request.format,
          mediaType: mediaTypeOf(request.format),
          path: produced.path,
          bytes: produced.bytes,
          sha256,
          coding: produced.coding,
          storedBytes: produced.storedBytes,
          blocks: produced.blocks,
          rowCount: produced.rows,
          document,
          dataAsOf: document.dataAsOf,
          revision: document.revision,
          dayKeys,
          expiresAt,
        }),
      ]);
    },
    { prepared: true },
  );
}

async function leave(
  run: ClaimedRun,
  thrown: unknown,
  progress: RunProgress | null,
  deps: ExecuteDeps,
  log: Logger,
): Promise<RunHint['state']> {
  const error = toDaybookError(thrown);
  if (error.code === 'E_LEASE_LOST') {
    log.warn('the lease was lost; another runner has the run');
    return 'running';
  }
  const to = stateAfter(run, thrown, error, deps);
  if (to === 'failed') log.error({ code: error.code, error: error.stack }, 'run failed');
  const failure = { code: error.code, message: error.message };
  const waits = to === 'queued' && !(thrown instanceof Draining);
  if (waits) log.warn(failure, 'the run waits for this to pass');
  const move = { id: run.id, to, leaseToken: run.leaseToken, progress } as const;
  await deps.database
    .asTenant(run.tenantId, (tx) =>
      moveRun(tx, to === 'failed' || waits ? { ...move, error: failure } : move),
    )
    .catch((lost: unknown) => {
      const reason = toDaybookError(lost).message;
      log.error({ reason }, 'could not leave the run; its lease runs out');
    });
  return to;
}

function stateAfter(
  run: ClaimedRun,
  thrown: unknown,
  error: DaybookError,
  { waitsForSpace }: ExecuteDeps,
): 'queued' | 'cancelled' | 'failed' {
  if (thrown instanceof Draining) return 'queued';
  if (error.code === 'E_CANCELLED') return 'cancelled';
  const passes = PASSING.includes(error.code) || (waitsForSpace && MENDED.includes(error.code));
  const patienceMs = run.occurrenceId === null ? PATIENCE_MS : SCHEDULED_PATIENCE_MS;
  return passes && (run.setbackMs ?? 0) < patienceMs ? 'queued' : 'failed';
}

/** Every attempt ended with its runner. */
function usedUp(run: ClaimedRun): DaybookError {
  const { from, to } = run.request.period;
  return new DaybookError('E_RESOURCE_EXHAUSTED', {
    day: `${from} to ${to}`,
    attempts: ATTEMPTS,
    reason: 'no attempt came to its end',
  });
}
