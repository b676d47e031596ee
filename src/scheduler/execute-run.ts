import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchFolder } from '../cache/unfinished.ts';
import { DaybookError, toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RunHint } from '../pool/messages.ts';
import { fileNameOf, mediaTypeOf } from '../reports/render/media-types.ts';
import type { Tx } from '../store/database.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { findFileOfRun, insertFile } from '../store/files.ts';
import type { ClaimedRun } from '../store/run-leases.ts';
import { moveRun } from '../store/runs.ts';
import { findTenant, type Tenant } from '../store/tenants.ts';
import { makeAhead } from './ahead/make-ahead.ts';
import { produceReport } from './produce-report.ts';
import type { ProducedReport, ReportDeps } from './report-job.ts';
import { progressWriter } from './run-progress.ts';

/** A run is tried this often, whatever ends the tries. */
const ATTEMPTS = 5;
/** Finished interactive files are kept this long: 7 days. */
const INTERACTIVE_FILE_MS = 7 * 86_400_000;

export interface ExecuteDeps extends ReportDeps {
  readonly log: Logger;
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
    if (run.attempts > ATTEMPTS) throw usedUp(run);
    const tenant = await deps.database.asSystem((tx) => findTenant(tx, run.tenantId));
    if (!tenant) throw new DaybookError('E_NOT_FOUND', { what: 'tenant', got: run.tenantId });
    const { request, workClass } = run;
    const onProgress = progress.note;
    const job = { tenant, request, runId: run.id, workClass, scratchDir, signal, onProgress };
    if (workClass === 'precache') {
      await makeAhead(job, deps);
      await progress.flush();
      await deps.database.asTenant(run.tenantId, (tx) => finish(tx, run));
    } else {
      const path = join('files', run.tenantId, `${randomUUID()}.${request.format}`);
      const produced = await produceReport({ ...job, path }, deps);
      await progress.flush();
      await commitOrRemove(run, tenant, { path, produced }, deps);
    }
    state = 'done';
  } catch (thrown) {
    await progress.flush().catch(() => {});
    state = await leave(run, signal.aborted ? signal.reason : thrown, deps, log);
  } finally {
    await rm(join(deps.home, scratchDir), { recursive: true, force: true }).catch(() => {});
    deps.announce(progress.hint(state));
  }
}

async function commitOrRemove(
  run: ClaimedRun,
  tenant: Tenant,
  file: { path: string; produced: ProducedReport },
  deps: ExecuteDeps,
): Promise<void> {
  try {
    await commit(run, tenant, file, deps);
  } catch (error) {
    if (await isCommitted(run, file.path, deps)) return;
    await rm(join(deps.home, file.path), { force: true });
    throw error;
  }
}

/** @throws DaybookError `E_LEASE_LOST` */
async function finish(tx: Tx, run: ClaimedRun): Promise<void> {
  if (await moveRun(tx, { id: run.id, to: 'done', leaseToken: run.leaseToken })) return;
  throw new DaybookError('E_LEASE_LOST', { got: run.id });
}

/**
 * Whether a commit that seems to have failed went through, its answer lost. While nobody can say,
 * the file stays: better one too many on the disk than one too few in the ledger.
 */
async function isCommitted(run: ClaimedRun, path: string, deps: ExecuteDeps): Promise<boolean> {
  const file = await deps.database.asTenant(run.tenantId, (tx) => findFileOfRun(tx, run.id));
  return file?.path === path;
}

async function commit(
  run: ClaimedRun,
  tenant: Tenant,
  file: { path: string; produced: ProducedReport },
  deps: ExecuteDeps,
): Promise<void> {
  const { produced } = file;
  const { request } = run;
  await deps.database.asTenant(run.tenantId, async (tx) => {
    await finish(tx, run);
    await insertFile(tx, {
      tenantId: run.tenantId,
      runId: run.id,
      name: fileNameOf({
        tenant: tenant.title,
        report: request.report,
        period: request.period,
        format: request.format,
      }),
      format: request.format,
      mediaType: mediaTypeOf(request.format),
      path: file.path,
      bytes: produced.bytes,
      sha256: produced.sha256,
      rowCount: produced.rows,
      document: produced.document,
      dataAsOf: produced.document.dataAsOf,
      revision: produced.document.revision,
      expiresAt:
        run.workClass === 'interactive' ? (await databaseNow(tx)) + INTERACTIVE_FILE_MS : null,
    });
  });
}

async function leave(
  run: ClaimedRun,
  thrown: unknown,
  deps: ExecuteDeps,
  log: Logger,
): Promise<RunHint['state']> {
  const error = toDaybookError(thrown);
  if (error.code === 'E_LEASE_LOST') {
    log.warn('the lease was lost; another runner has the run');
    return 'running';
  }
  const passing = error.code === 'E_UNAVAILABLE' && run.attempts < ATTEMPTS;
  const to =
    thrown instanceof Draining || passing
      ? 'queued'
      : error.code === 'E_CANCELLED'
        ? 'cancelled'
        : 'failed';
  if (to === 'failed') log.error({ code: error.code, error: error.stack }, 'run failed');
  const failure = { code: error.code, message: error.message };
  const move = { id: run.id, to, leaseToken: run.leaseToken } as const;
  await deps.database
    .asTenant(run.tenantId, (tx) =>
      moveRun(tx, to === 'failed' ? { ...move, error: failure } : move),
    )
    .catch((lost: unknown) => {
      const reason = toDaybookError(lost).message;
      log.error({ reason }, 'could not leave the run; its lease runs out');
    });
  return to;
}

/** Every attempt ended with its runner, or for a reason that was thought to pass. */
function usedUp(run: ClaimedRun): DaybookError {
  const { from, to } = run.request.period;
  return new DaybookError('E_RESOURCE_EXHAUSTED', {
    day: `${from} to ${to}`,
    attempts: ATTEMPTS,
    reason: 'no attempt came to its end',
  });
}
