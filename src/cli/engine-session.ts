import cluster from 'node:cluster';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createPartStore } from '../cache/part-store.ts';
import { sweepOwnUnfinished, sweepUnfinished } from '../cache/unfinished.ts';
import type { Config } from '../config.ts';
import { DaybookError } from '../errors.ts';
import { budgetFor } from '../pool/budget.ts';
import { startComputeFleet } from '../pool/compute-fleet.ts';
import { createHub, type Hub } from '../pool/hub.ts';
import { createIpcDispatcher } from '../pool/ipc-dispatcher.ts';
import type { HubMessage } from '../pool/messages.ts';
import { parseReportRequest } from '../reports/parse-request.ts';
import type { Dispatcher } from '../reports/ports.ts';
import type { ReportRequest } from '../reports/request.ts';
import { startRunExecutor } from '../scheduler/run-executor.ts';
import { createPostgresSource } from '../sources/postgres/postgres-source.ts';
import type { Database, Tx } from '../store/database.ts';
import { type FileRow, findFileOfRun } from '../store/files.ts';
import { claimRuns } from '../store/run-leases.ts';
import { findRunningUp } from '../store/running-up.ts';
import { findRun, insertRun, isFinal, type RunRow, requestCancel } from '../store/runs.ts';
import { requireTenant, type Tenant } from '../store/tenants.ts';
import type { ExportEngine, WithEngine } from './export.ts';
import { demandHome } from './home-folder.ts';
import type { ExportProgress } from './progress-line.ts';
import { type Session, withDatabase } from './session.ts';

/**
 * What one command needs to produce files. Where `up` runs in the same home the command is its
 * client: it queues a run and watches it. Else it starts the same parts for its own length.
 */

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const WATCH_MS = 50;
const LEASE_SECONDS = 30;
const CONNECTIONS = 60;

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
    return watchRun(config, database, run, watch);
  };
}

async function withOwnEngine<T>(
  config: Config,
  session: Session,
  work: (produce: Produce) => Promise<T>,
): Promise<T> {
  const { database, log, databaseUrl } = session;
  const budget = budgetFor(config.cores, CONNECTIONS, config);
  demandHome(config.home);
  sweepUnfinished(config.home);
  cluster.setupPrimary({ exec: MAIN, args: [] });
  const hub = createHub({ log, monotonicNow: () => performance.now() });
  const fleet = startComputeFleet({
    hub,
    processes: budget.computeProcesses,
    environment: {
      DAYBOOK_ROLE: 'compute',
      DAYBOOK_HOME: config.home,
      DATABASE_URL: databaseUrl,
      DAYBOOK_THREADS: String(budget.threadsPerCompute),
      LOG_LEVEL: config.logLevel,
    },
    onEnd: () => sweepUnfinished(config.home),
    log,
  });
  try {
    return await work(async (tenantName, raw, watch) => {
      const { tenant, request } = await checkRequest(database, tenantName, raw);
      // Claimed in the transaction that queues it, so that no other runner ever sees it waiting.
      const holder = `cli/${process.pid}`;
      const { run, claimed } = await database.asSystem(async (tx) => {
        const queued = await queueRun(tx, tenant, request);
        const options = { holder, limit: 1, leaseSeconds: LEASE_SECONDS, only: queued.id };
        return { run: queued, claimed: await claimRuns(tx, options) };
      });
      const executor = startRunExecutor({
        database,
        source: createPostgresSource(database),
        parts: createPartStore(config.home),
        dispatcher: localDispatcher(hub),
        home: config.home,
        log,
        holder,
        // Claimed once more when it was given back for a passing reason.
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
    });
  } finally {
    await fleet.stop('kill');
    // What the killed threads wrote into the run's own folder after it was removed.
    sweepOwnUnfinished(config.home);
  }
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

/** Waits for the run's end. Aborting the signal asks the run to stop and waits until it has. */
async function watchRun(
  config: Config,
  database: Database,
  queued: RunRow,
  watch: Watch & { readonly onCancel?: () => void },
): Promise<{ path: string; file: FileRow }> {
  let cancelled = false;
  let answeredAt = performance.now();

  /** Postgres may be on its way back: it is waited for as long as a lease lasts. */
  async function look(): Promise<RunRow | null> {
    for (;;) {
      try {
        const run = await database.asTenant(queued.tenantId, (tx) => findRun(tx, queued.id));
        answeredAt = performance.now();
        return run;
      } catch (error) {
        const passing = error instanceof DaybookError && error.code === 'E_UNAVAILABLE';
        const late = performance.now() - answeredAt > LEASE_SECONDS * 1000;
        if (!passing || late || watch.signal.aborted) throw error;
        await pause(WATCH_MS);
      }
    }
  }

  for (;;) {
    const run = await look();
    if (!run) throw new DaybookError('E_NOT_FOUND', { what: 'run', got: queued.id });
    const { daysTotal: total, daysDone: done, daysCached: cached, rowsRead: rows } = run;
    watch.onProgress({ days: { total, done, cached }, rows });
    if (isFinal(run.state)) return fileOf(config, database, run);
    if (watch.signal.aborted && !cancelled) {
      cancelled = true;
      await database.asTenant(run.tenantId, (tx) => requestCancel(tx, run.id));
      watch.onCancel?.();
    }
    await pause(WATCH_MS);
  }
}

async function fileOf(config: Config, database: Database, run: RunRow) {
  if (run.state === 'cancelled') {
    throw new DaybookError('E_CANCELLED', { what: 'run', got: run.id });
  }
  if (run.state === 'failed') {
    const reason = `${run.errorMessage ?? 'it does not say why'} (${run.errorCode ?? 'no code'})`;
    throw new DaybookError('E_RUN_FAILED', { got: run.id, reason });
  }
  const file = await database.asTenant(run.tenantId, (tx) => findFileOfRun(tx, run.id));
  if (!file) throw new DaybookError('E_NOT_FOUND', { what: 'file of run', got: run.id });
  return { path: join(config.home, file.path), file };
}

function localDispatcher(hub: Hub): Dispatcher {
  const client = {
    send(message: HubMessage): void {
      if (message.kind === 'dispatched' || message.kind === 'refused') receive(message);
    },
  };
  const { dispatcher, receive } = createIpcDispatcher({
    send(message) {
      if (message.kind === 'dispatch' || message.kind === 'cancel') hub.fromClient(client, message);
    },
  });
  return dispatcher;
}
