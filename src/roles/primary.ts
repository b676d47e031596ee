import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { RateLimiterClusterMaster } from 'rate-limiter-flexible';
import { sweepUnfinished } from '../cache/unfinished.ts';
import type { Config, Role } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Budget } from '../pool/budget.ts';
import { startComputeFleet } from '../pool/compute-fleet.ts';
import { createHub } from '../pool/hub.ts';
import type { Channel, ClientMessage, HubMessage } from '../pool/messages.ts';
import { createMetricsOfAll } from './metrics-of-all.ts';

/**
 * The primary: balancer and fork-keeper. It holds no threads and no business logic; children that
 * die are started again after a pause that grows.
 */

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** More than the runner takes for itself. What has not ended by then is ended. */
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
  const metricsOfAll = createMetricsOfAll(hub);
  const clients = new Map<Worker, Role>();
  let stopping = false;

  const environmentOf = (role: Role, poolSize: number) => ({
    DAYBOOK_ROLE: role,
    DAYBOOK_HOME: config.home,
    DATABASE_URL: deps.databaseUrl,
    DAYBOOK_THREADS: String(budget.threadsPerCompute),
    DAYBOOK_POOL: String(poolSize),
    HOST: config.host,
    PORT: String(config.port),
    LOG_LEVEL: config.logLevel,
  });
  const fleet = startComputeFleet({
    hub,
    processes: budget.computeProcesses,
    environment: environmentOf('compute', 1),
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

  function keepClient(role: 'runner' | 'api', poolSize: number, pauseMs: number): void {
    const worker = cluster.fork(environmentOf(role, poolSize));
    clients.set(worker, role);
    const channel = {
      send(message: HubMessage) {
        if (worker.isConnected()) worker.send(message);
      },
    };
    worker.on('message', (message: ClientMessage) => route(message, channel));
    worker.on('exit', (code, signal) => {
      hub.clientGone(channel);
      sweepUnfinished(config.home);
      setTimeout(() => clients.delete(worker), 0);
      if (stopping) return;
      log.error({ role, reason: signal ?? code, pid: worker.process.pid }, 'a process died');
      setTimeout(() => {
        if (!stopping) keepClient(role, poolSize, Math.min(LONGEST_PAUSE_MS, pauseMs * 2));
      }, pauseMs);
    });
    worker.once('online', tellReadiness);
  }

  /** Others use the same channel, such as the limiter of rates: only our own kinds are ours. */
  function route(message: ClientMessage, channel: Channel<HubMessage>): void {
    if (message.kind === 'dispatch' || message.kind === 'cancel') hub.fromClient(channel, message);
    else if (message.kind === 'wake') broadcast('runner', message);
    else if (message.kind === 'progress') broadcast('api', message);
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
      if (itsRole === role && worker.isConnected()) worker.send(message);
    }
  }

  function tellReadiness(): void {
    const runner = [...clients].some(([worker, role]) => role === 'runner' && worker.isConnected());
    broadcast('api', { kind: 'engine', ready: runner && hub.load().threads > 0 });
  }
  const readiness = setInterval(tellReadiness, 250);

  async function stopClients(role: Role): Promise<void> {
    const workers = [...clients]
      .filter(([, itsRole]) => itsRole === role)
      .map(([worker]) => worker);
    await Promise.all(
      workers.map((worker) => {
        if (worker.isDead()) return undefined;
        const late = setTimeout(() => worker.process.kill('SIGKILL'), DRAIN_MS);
        const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve())).finally(
          () => clearTimeout(late),
        );
        if (worker.isConnected()) worker.send({ kind: 'drain' } satisfies HubMessage);
        else worker.process.kill('SIGKILL');
        return gone;
      }),
    );
  }

  return {
    listening,
    async drain() {
      stopping = true;
      clearInterval(readiness);
      await Promise.all([stopClients('api'), stopClients('runner')]);
      await fleet.stop('drain');
    },
    kill() {
      stopping = true;
      clearInterval(readiness);
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
    },
  };
}
