import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { tenantSourceOf } from '../bindings/source-of-config.ts';
import { createPartStore } from '../cache/part-store.ts';
import { sweepOwnUnfinished, sweepUnfinished } from '../cache/unfinished.ts';
import type { Config } from '../config.ts';
import { type Budget, budgetFor } from '../pool/budget.ts';
import { startComputeFleet } from '../pool/compute-fleet.ts';
import { createHub, type Hub } from '../pool/hub.ts';
import { createIpcDispatcher } from '../pool/ipc-dispatcher.ts';
import { memoryPerCompute } from '../pool/memory-budget.ts';
import type { HubMessage } from '../pool/messages.ts';
import type { Dispatcher } from '../reports/ports.ts';
import { evictToBound } from '../scheduler/clean-parts.ts';
import {
  type ExecutorDeps,
  type RunExecutor,
  startRunExecutor,
} from '../scheduler/run-executor.ts';
import { demandHome } from './home-folder.ts';
import type { Session } from './session.ts';

/** What `up` would have running, for the length of one command: compute processes and a runner. */

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const EVICT_MS = 20_000;
const CONNECTIONS = 60;
/** Names this process in leases. */
export const OWN_HOLDER = `cli/${process.pid}`;

export interface OwnParts {
  /** Must be drained. */
  startExecutor(
    options: Pick<ExecutorDeps, 'maxRuns' | 'announce'> &
      Partial<Pick<ExecutorDeps, 'only' | 'claimed'>>,
  ): RunExecutor;
}

export async function withOwnParts<T>(
  config: Config,
  session: Session,
  work: (parts: OwnParts) => Promise<T>,
): Promise<T> {
  const { database, log, databaseUrl } = session;
  const budget = budgetFor(config.cores, CONNECTIONS, config);
  demandHome(config.home);
  sweepUnfinished(config.home);
  cluster.setupPrimary({ exec: MAIN, args: [] });
  const hub = createHub({ log, monotonicNow: () => performance.now() });
  const environmentOf = (of: Budget) => ({
    DAYBOOK_ROLE: 'compute',
    DAYBOOK_HOME: config.home,
    DATABASE_URL: databaseUrl,
    DAYBOOK_THREADS: String(of.threadsPerCompute),
    DAYBOOK_MEMORY_BYTES: String(memoryPerCompute(of, config.machineBytes)),
    LOG_LEVEL: config.logLevel,
  });
  const fleet = startComputeFleet({
    hub,
    processes: budget.computeProcesses,
    environment: environmentOf(budget),
    wardEnvironment: environmentOf({ ...budget, threadsPerCompute: 1 }),
    onEnd: () => sweepUnfinished(config.home),
    log,
  });
  const source = tenantSourceOf(config, database);
  try {
    return await work({
      startExecutor: (options) =>
        startRunExecutor({
          database,
          source,
          parts: createPartStore(config.home),
          dispatcher: localDispatcher(hub),
          home: config.home,
          log,
          // A person is there to make space; nobody else would take up the run.
          waitsForSpace: false,
          holder: OWN_HOLDER,
          ...options,
        }),
    });
  } finally {
    await fleet.stop('kill');
    await source.close();
    // What the killed threads wrote into the run's own folder after it was removed.
    sweepOwnUnfinished(config.home);
    await keepToBound(config, session);
  }
}

/** There is no runner that would do it. What cannot be done now is left to the next one. */
async function keepToBound(config: Config, { database, log }: Session): Promise<void> {
  const { home, cacheBytes: boundBytes } = config;
  const soon = AbortSignal.timeout(EVICT_MS);
  await evictToBound({ database, home, boundBytes, log }, soon).catch((error: Error) => {
    log.warn({ reason: error.message }, 'the parts could not be brought within their bound');
  });
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
