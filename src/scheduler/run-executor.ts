import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchFolder } from '../cache/unfinished.ts';
import { DaybookError, toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RunHint } from '../pool/messages.ts';
import { fileNameOf, mediaTypeOf } from '../reports/render/media-types.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { insertFile } from '../store/files.ts';
import {
  type ClaimedRun,
  claimRuns,
  type RunProgress,
  renewLeases,
  writeProgress,
} from '../store/run-leases.ts';
import { moveRun } from '../store/runs.ts';
import { findTenant, type Tenant } from '../store/tenants.ts';
import { produceReport } from './produce-report.ts';
import type { ProducedReport, ReportDeps } from './report-job.ts';

/**
 * Executes runs, interactive and scheduled alike. A run is claimed under a lease with a fencing
 * token; while it is worked on the lease is prolonged; the commit names the token, so a runner
 * that was thought dead writes nothing. Runs that are given up for a passing reason are queued
 * again, {@link ATTEMPTS} times at most.
 */

const LEASE_SECONDS = 30;
const HEARTBEAT_MS = 5_000;
const SWEEP_MS = 500;
const PROGRESS_MS = 200;
const ATTEMPTS = 5;
/** Finished interactive files are kept this long: 7 days. */
const INTERACTIVE_FILE_MS = 7 * 86_400_000;

export interface ExecutorDeps extends ReportDeps {
  readonly log: Logger;
  /** Names this process in leases. */
  readonly holder: string;
  /** Runs worked on at once. */
  readonly maxRuns: number;
  /** Tells whoever listens that a run moved. */
  readonly announce: (hint: RunHint) => void;
  /** Runs that are claimed already, to begin with. */
  readonly claimed?: readonly ClaimedRun[];
}

export interface RunExecutor {
  /** Looks for runs, and for wishes to cancel, now. */
  wake(): void;
  /** Claims nothing more, waits up to `graceMs`, then gives the rest back to the queue. */
  drain(graceMs: number): Promise<void>;
}

interface Held {
  readonly run: ClaimedRun;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export function startRunExecutor(deps: ExecutorDeps): RunExecutor {
  const held = new Map<string, Held>();
  let draining = false;
  let looking: Promise<void> | null = null;
  let lookAgain = false;
  let lastHeartbeat = Number.NEGATIVE_INFINITY;

  function wake(): void {
    lastHeartbeat = Number.NEGATIVE_INFINITY;
    tick();
  }

  function tick(): void {
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = look()
      .catch((error: unknown) => {
        deps.log.warn({ error: toDaybookError(error).message }, 'looking for runs failed');
      })
      .finally(() => {
        looking = null;
        if (!lookAgain) return;
        lookAgain = false;
        tick();
      });
  }

  async function look(): Promise<void> {
    if (performance.now() - lastHeartbeat > HEARTBEAT_MS) await heartbeat();
    const limit = deps.maxRuns - held.size;
    if (draining || limit <= 0) return;
    const options = { holder: deps.holder, limit, leaseSeconds: LEASE_SECONDS };
    const claimed = await deps.database.asSystem((tx) => claimRuns(tx, options));
    for (const run of claimed) take(run);
  }

  function take(run: ClaimedRun): void {
    const abort = new AbortController();
    const done = execute(run, abort.signal, deps).finally(() => {
      held.delete(run.id);
      tick();
    });
    held.set(run.id, { run, abort, done });
  }

  async function heartbeat(): Promise<void> {
    lastHeartbeat = performance.now();
    if (held.size === 0) return;
    const runs = [...held.values()];
    const renewed = await deps.database.asSystem((tx) =>
      renewLeases(
        tx,
        runs.map(({ run }) => run),
        LEASE_SECONDS,
      ),
    );
    const still = new Map(renewed.map((lease) => [lease.id, lease]));
    for (const { run, abort } of runs) {
      const lease = still.get(run.id);
      if (!lease) {
        if (held.has(run.id)) abort.abort(new DaybookError('E_LEASE_LOST', { got: run.id }));
      } else if (lease.cancelRequested) {
        abort.abort(new DaybookError('E_CANCELLED', { what: 'run', got: run.id }));
      }
    }
  }

  for (const run of deps.claimed ?? []) take(run);
  const heart = setInterval(tick, SWEEP_MS);
  tick();

  return {
    wake,
    async drain(graceMs) {
      draining = true;
      clearInterval(heart);
      const beat = setInterval(() => void heartbeat().catch(() => {}), HEARTBEAT_MS);
      const timer = setTimeout(() => {
        for (const { abort } of held.values()) abort.abort(new Draining());
      }, graceMs);
      await looking;
      await Promise.allSettled([...held.values()].map(({ done }) => done));
      clearTimeout(timer);
      clearInterval(beat);
    },
  };
}

/** The runner goes away: its runs go back to the queue. */
class Draining extends Error {}

async function execute(run: ClaimedRun, signal: AbortSignal, deps: ExecutorDeps): Promise<void> {
  const log = deps.log.child({ run: run.id, report: run.request.report });
  const scratchDir = scratchFolder(`${run.id}-${run.leaseToken}`);
  const progress = progressWriter(run, deps);
  let state: RunHint['state'] = 'running';
  try {
    const tenant = await deps.database.asSystem((tx) => findTenant(tx, run.tenantId));
    if (!tenant) throw new DaybookError('E_NOT_FOUND', { what: 'tenant', got: run.tenantId });
    const path = join('files', run.tenantId, `${randomUUID()}.${run.request.format}`);
    const produced = await produceReport(
      {
        tenant,
        request: run.request,
        runId: run.id,
        workClass: run.workClass,
        path,
        scratchDir,
        signal,
        onProgress: progress.note,
      },
      deps,
    );
    await progress.flush();
    try {
      await commit(run, tenant, { path, produced }, deps);
    } catch (error) {
      await rm(join(deps.home, path), { force: true });
      throw error;
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

async function commit(
  run: ClaimedRun,
  tenant: Tenant,
  file: { path: string; produced: ProducedReport },
  deps: ExecutorDeps,
): Promise<void> {
  const { produced } = file;
  const { request } = run;
  await deps.database.asTenant(run.tenantId, async (tx) => {
    if (!(await moveRun(tx, { id: run.id, to: 'done', leaseToken: run.leaseToken }))) {
      throw new DaybookError('E_LEASE_LOST', { got: run.id });
    }
    await insertFile(tx, {
      tenantId: run.tenantId,
      runId: run.id,
      name: fileNameOf({
        tenant: tenant.name,
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
  deps: ExecutorDeps,
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

/** Writes a run's progress at most every 200 ms, and last of all what came last. */
function progressWriter(run: ClaimedRun, deps: ExecutorDeps) {
  let latest: RunProgress | null = null;
  let noted: RunProgress = { daysTotal: 0, daysDone: 0, daysCached: 0, rowsRead: 0 };
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;

  function write(): Promise<void> {
    timer = null;
    const progress = latest;
    latest = null;
    if (progress === null) return writing;
    writing = writing
      .then(() => deps.database.asTenant(run.tenantId, (tx) => writeProgress(tx, run, progress)))
      .then(
        () => deps.announce(hint('running')),
        () => {},
      );
    return writing;
  }

  function hint(state: RunHint['state']): RunHint {
    const { daysTotal: total, daysDone: done, daysCached: cached, rowsRead: rows } = noted;
    return { runId: run.id, state, days: { total, done, cached }, rows };
  }

  return {
    hint,
    note(progress: RunProgress) {
      latest = progress;
      noted = progress;
      timer ??= setTimeout(() => void write(), PROGRESS_MS);
    },
    async flush() {
      if (timer) clearTimeout(timer);
      await write();
    },
  };
}
