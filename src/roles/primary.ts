import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { RateLimiterClusterMaster } from 'rate-limiter-flexible';
import { sweepUnfinished } from '../cache/unfinished.ts';
import type { Config, Role } from '../config.ts';
import type { Logger } from '../log.ts';
import { backlogOf } from '../pool/admission.ts';
import type { Budget } from '../pool/budget.ts';
import { endChild, sendToChild } from '../pool/child.ts';
import { startComputeFleet } from '../pool/compute-fleet.ts';
import { createHub } from '../pool/hub.ts';
import { memoryPerCompute } from '../pool/memory-budget.ts';
import type { Channel, ClientMessage, HubMessage } from '../pool/messages.ts';
import { watchKills } from '../pool/oom-kills.ts';
import { createMetricsOfAll } from './metrics-of-all.ts';

/**
 * The primary: balancer and fork-keeper. It holds no threads and no business logic; children that
 * die are started again after a pause that grows.
 */

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A process that lived this long starts its successor after the first pause again. */
const HEALTHY_MS = 30_000;
/** Longer than the runner takes to give its runs back; with the threads' end it stays below 30 s. */
const DRAIN_MS = 23_000;

export interface Primary {
  /** Resolves when the API listens (or at once without one). */
  readonly listening: Promise<void>;
  /** Lets everything finish and ends it. */
  drain(): Promise<void>;
  /** Ends everything now. */
  kill(): void;
}

export function startPrimary(deps: {
  config: Config;
  databaseUrl: string;
  budget: Budget;
  log: Logger;
}): Primary {
  const { config, budget, log } = deps;
  sweepUnfinished(config.home);
  cluster.setupPrimary({ exec: MAIN, args: [] });
  new RateLimiterClusterMaster();
  const hub = createHub({ log, monotonicNow: () => performance.now() });
  const name = `${hostname()}/${process.pid}-${randomBytes(4).toString('hex')}`;
  let queue = { queuedRuns: 0, queuedDays: 0 };
  const metricsOfAll = createMetricsOfAll(hub, () => queue.queuedRuns);
  const clients = new Map<Worker, Role>();
  const wasKilledFromOutside = watchKills();
  const timers = new Set<NodeJS.Timeout>();
  let stopping = false;

  const environmentOf = (role: Role, poolSize: number, of: Budget = budget) => ({
    DAYBOOK_ROLE: role,
    DAYBOOK_HOME: config.home,
    DATABASE_URL: deps.databaseUrl,
    DAYBOOK_THREADS: String(of.threadsPerCompute),
    DAYBOOK_POOL: String(poolSize),
    HOST: config.host,
    PORT: String(config.port),
    LOG_LEVEL: config.logLevel,
    DAYBOOK_MEMORY_BYTES: String(memoryPerCompute(of, config.machineBytes)),
    DAYBOOK_PRIMARY: name,
  });
  const fleet = startComputeFleet({
    hub,
    processes: budget.computeProcesses,
    environment: environmentOf('compute', 1),
    wardEnvironment: environmentOf('compute', 1, { ...budget, threadsPerCompute: 1 }),
    onEnd: () => sweepUnfinished(config.home),
    log,
  });
  keepClient('runner', budget.runnerPool, FIRST_PAUSE_MS);
  for (let i = 0; i < budget.apiProcesses; i++) keepClient('api', budget.apiPool, FIRST_PAUSE_MS);

  const listening = new Promise<void>((resolve, reject) => {
    if (budget.apiProcesses === 0) return resolve();
    cluster.once('listening', () => resolve());
    let failures = 0;
    cluster.on('exit', (worker) => {
      if (clients.get(worker) === 'api' && ++failures === 3) {
        reject(new Error('the API does not start; see the log'));
      }
    });
  });

  // Who waits hears of it; until somebody does, it must not end the process.
  listening.catch(() => {});

  /** `afterKill`: who was there before was killed by somebody, and no fault of what it was at. */
  function keepClient(
    role: 'runner' | 'api',
    poolSize: number,
    pauseMs: number,
    afterKill = false,
  ): void {
    const told = afterKill ? { DAYBOOK_AFTER_KILL: 'yes' } : {};
    const worker = cluster.fork({ ...environmentOf(role, poolSize), ...told });
    clients.set(worker, role);
    const channel = {
      send: (message: HubMessage) => sendToChild(worker, message),
    };
    const startedAt = performance.now();
    worker.on('message', (message: ClientMessage) => route(message, channel));
    worker.on('error', (error) => {
      log.error({ role, reason: error.message }, 'a process could not be reached');
    });
    worker.on('exit', (code, signal) => {
      hub.clientGone(channel);
      sweepUnfinished(config.home);
      setTimeout(() => clients.delete(worker), 0);
      const killed = wasKilledFromOutside(signal);
      if (stopping) return;
      log.error({ role, reason: signal ?? code, pid: worker.process.pid }, 'a process died');
      const healthy = performance.now() - startedAt > HEALTHY_MS;
      const nextPauseMs = healthy ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          keepClient(role, poolSize, nextPauseMs, killed);
        },
        healthy ? FIRST_PAUSE_MS : pauseMs,
      );
      timers.add(timer);
    });
    worker.once('online', tellReadiness);
  }

  /** Others use the same channel, such as the limiter of rates: only our own kinds are ours. */
  function route(message: ClientMessage, channel: Channel<HubMessage>): void {
    if (message.kind === 'dispatch' || message.kind === 'cancel') hub.fromClient(channel, message);
    else if (message.kind === 'wake') broadcast('runner', message);
    else if (message.kind === 'progress') broadcast('api', message);
    else if (message.kind === 'queue') queue = message;
    else if (message.kind === 'metrics') void answerMetrics(message.id, channel);
  }

  async function answerMetrics(id: string, channel: Channel<HubMessage>): Promise<void> {
    try {
      channel.send({ kind: 'metrics', id, text: await metricsOfAll() });
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'metrics were not gathered');
    }
  }

  function broadcast(role: Role, message: HubMessage): void {
    for (const [worker, itsRole] of clients) {
      if (itsRole === role) sendToChild(worker, message);
    }
  }

  function tellReadiness(): void {
    const runner = [...clients].some(([worker, role]) => role === 'runner' && worker.isConnected());
    const load = hub.load();
    broadcast('api', { kind: 'engine', ready: runner && load.threads > 0 });
    broadcast('api', { kind: 'backlog', backlog: backlogOf(load, queue) });
  }
  const readiness = setInterval(tellReadiness, 250);

  function stopStarting(): void {
    stopping = true;
    clearInterval(readiness);
    for (const timer of timers) clearTimeout(timer);
  }

  return {
    listening,
    async drain() {
      stopStarting();
      await Promise.all([...clients.keys()].map((worker) => endChild(worker, DRAIN_MS)));
      await fleet.stop('drain');
    },
    kill() {
      stopStarting();
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
    },
  };
}
