import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { DaybookError } from '../errors.ts';
import { parseReportRequest } from '../reports/parse-request.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { Database, Tx } from '../store/database.ts';
import { type FileRow, findFileOfRun } from '../store/files.ts';
import { claimRuns } from '../store/run-leases.ts';
import { findRunningUp } from '../store/running-up.ts';
import { findRun, insertRun, isFinal, type RunRow, requestCancel } from '../store/runs.ts';
import { requireTenant, type Tenant } from '../store/tenants.ts';
import type { ExportEngine, WithEngine } from './export.ts';
import { OWN_HOLDER, withOwnParts } from './own-parts.ts';
import type { ExportProgress } from './progress-line.ts';
import { type Session, withDatabase } from './session.ts';

/**
 * What one command needs to produce files. Where `up` runs in the same home the command is its
 * client: it queues a run and watches it. Else it starts the same parts for its own length.
 */

const WATCH_MS = 50;
/** A server that was killed is back, or given up, within this. */
const DATABASE_GONE_MS = 30_000;
const LOOK_AGAIN_MS = 250;
const UP_LOOK_MS = 1_000;
/** An `up` that was restarted has its record back within this. */
const UP_GONE_MS = 20_000;
const LEASE_SECONDS = 30;

type Produce = ExportEngine['produce'];

export const withEngine: WithEngine = (config, work) =>
  withDatabase(
    config,
    (session) =>
      findRunningUp(config.home)
        ? work({ produce: throughUp(config, session.database) })
        : withOwnEngine(config, session, (produce) => work({ produce })),
    { maxConnections: 8 },
  );

interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ExportProgress) => void;
}

function throughUp(config: Config, database: Database): Produce {
  return async (tenantName, raw, watch) => {
    const { tenant, request } = await checkRequest(database, tenantName, raw);
    const run = await database.asSystem((tx) => queueRun(tx, tenant, request));
    return watchRun(config, database, run, { ...watch, demandRunner: upWatch(config.home) });
  };
}

async function withOwnEngine<T>(
  config: Config,
  session: Session,
  work: (produce: Produce) => Promise<T>,
): Promise<T> {
  const { database } = session;
  return withOwnParts(config, session, ({ startExecutor }) =>
    work(async (tenantName, raw, watch) => {
      const { tenant, request } = await checkRequest(database, tenantName, raw);
      // Claimed in the transaction that queues it, so that no other runner ever sees it waiting.
      const { run, claimed } = await database.asSystem(async (tx) => {
        const queued = await queueRun(tx, tenant, request);
        const options = { holder: OWN_HOLDER, limit: 1, leaseSeconds: LEASE_SECONDS };
        return { run: queued, claimed: await claimRuns(tx, { ...options, only: queued.id }) };
      });
      const executor = startExecutor({
        // Claimed once more when it went back to the queue, such as after a loss of the database.
        maxRuns: 1,
        only: run.id,
        claimed,
        announce: ({ days, rows }) => watch.onProgress({ days, rows }),
      });
      try {
        return await watchRun(config, database, run, { ...watch, onCancel: executor.wake });
      } finally {
        await executor.drain(0);
      }
    }),
  );
}

async function checkRequest(
  database: Database,
  tenantName: string,
  raw: Parameters<Produce>[1],
): Promise<{ tenant: Tenant; request: ReportRequest }> {
  const tenant = await database.asSystem((tx) => requireTenant(tx, tenantName));
  return { tenant, request: parseReportRequest(raw, { locale: tenant.locale }) };
}

function queueRun(tx: Tx, tenant: Tenant, request: ReportRequest): Promise<RunRow> {
  return insertRun(tx, {
    tenantId: tenant.id,
    request,
    workClass: 'interactive',
    requestedBy: 'cli',
    daysTotal: 0,
  });
}

/** Throws `E_UNAVAILABLE` once no `up` has been there for a while: nobody would execute the run. */
function upWatch(home: string): () => void {
  let lastSeen = performance.now();
  let lastLook = lastSeen;
  return () => {
    const now = performance.now();
    if (now - lastLook < UP_LOOK_MS) return;
    lastLook = now;
    if (findRunningUp(home)) lastSeen = now;
    else if (now - lastSeen > UP_GONE_MS) {
      throw new DaybookError('E_UNAVAILABLE', {
        what: '`daybook up`',
        reason: 'it has ended; the run stays in its queue for the next one',
      });
    }
  };
}

/** Waits for the run's end. Aborting the signal asks the run to stop and waits until it has. */
async function watchRun(
  config: Config,
  database: Database,
  queued: RunRow,
  watch: Watch & { readonly onCancel?: () => void; readonly demandRunner?: () => void },
): Promise<{ path: string; file: FileRow }> {
  const look = patiently(watch.signal, () =>
    database.asTenant(queued.tenantId, (tx) => findRun(tx, queued.id)),
  );
  let cancelled = false;
  for (;;) {
    const run = await look();
    if (!run) throw new DaybookError('E_NOT_FOUND', { what: 'run', got: queued.id });
    const { daysTotal: total, daysDone: done, daysCached: cached, rowsRead: rows } = run;
    const waitsFor = run.state === 'queued' && run.errorCode ? whyOf(run) : null;
    watch.onProgress({ days: { total, done, cached }, rows, waitsFor });
    if (isFinal(run.state)) return fileOf(config, database, run);
    if (watch.signal.aborted && !cancelled) {
      cancelled = true;
      await database.asTenant(run.tenantId, (tx) => requestCancel(tx, run.id));
      watch.onCancel?.();
    }
    watch.demandRunner?.();
    await pause(WATCH_MS);
  }
}

/** The run goes on without us: a database that is away for a while does not end the watching. */
function patiently<T>(signal: AbortSignal, look: () => Promise<T>): () => Promise<T> {
  return async () => {
    const since = performance.now();
    for (;;) {
      try {
        return await look();
      } catch (error) {
        const away = error instanceof DaybookError && error.code === 'E_UNAVAILABLE';
        const waited = performance.now() - since;
        if (!away || signal.aborted || waited > DATABASE_GONE_MS) throw error;
        await pause(LOOK_AGAIN_MS);
      }
    }
  };
}

async function fileOf(config: Config, database: Database, run: RunRow) {
  if (run.state === 'cancelled') {
    throw new DaybookError('E_CANCELLED', { what: 'run', got: run.id });
  }
  if (run.state === 'failed') {
    throw new DaybookError('E_RUN_FAILED', { got: run.id, reason: whyOf(run) });
  }
  const file = await database.asTenant(run.tenantId, (tx) => findFileOfRun(tx, run.id));
  if (!file) throw new DaybookError('E_NOT_FOUND', { what: 'file of run', got: run.id });
  return { path: join(config.home, file.path), file };
}

function whyOf({ errorMessage, errorCode }: RunRow): string {
  return `${errorMessage ?? 'it does not say why'} (${errorCode ?? 'no code'})`;
}
