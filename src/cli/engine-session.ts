import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { createPartStore } from '../cache/part-store.ts';
import type { Config } from '../config.ts';
import { budgetFor } from '../pool/budget.ts';
import { startComputeFleet } from '../pool/compute-fleet.ts';
import { createHub } from '../pool/hub.ts';
import { createIpcDispatcher } from '../pool/ipc-dispatcher.ts';
import type { ClientMessage, HubMessage } from '../pool/messages.ts';
import type { Dispatcher } from '../reports/ports.ts';
import type { ReportDeps } from '../scheduler/report-job.ts';
import { createPostgresSource } from '../sources/postgres/postgres-source.ts';
import type { Session } from './session.ts';

/** The parts of a running Daybook that one command needs, for the command's own length. */

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

/** Starts compute processes under this one and hands over what producing reports takes. */
export async function withEngine<T>(
  config: Config,
  session: Session,
  work: (engine: ReportDeps) => Promise<T>,
): Promise<T> {
  const { database, log } = session;
  const budget = budgetFor(config.cores, 60, config);
  cluster.setupPrimary({ exec: MAIN, args: [], silent: false });
  const hub = createHub({ log, monotonicNow: () => performance.now() });
  const fleet = startComputeFleet({
    hub,
    processes: budget.computeProcesses,
    environment: childEnvironment(config, session.databaseUrl, budget.threadsPerCompute),
    log,
  });
  try {
    return await work({
      database,
      source: createPostgresSource(database),
      parts: createPartStore(config.home),
      dispatcher: localDispatcher(hub),
      home: config.home,
    });
  } finally {
    await fleet.stop('kill');
  }
}

export function childEnvironment(
  config: Config,
  databaseUrl: string,
  threads: number,
): Record<string, string> {
  return {
    DAYBOOK_ROLE: 'compute',
    DAYBOOK_HOME: config.home,
    DATABASE_URL: databaseUrl,
    DAYBOOK_THREADS: String(threads),
    LOG_LEVEL: config.logLevel,
  };
}

function localDispatcher(hub: ReturnType<typeof createHub>): Dispatcher {
  const client = { send: (message: HubMessage) => receiveAnswer(message) };
  const { dispatcher, receive } = createIpcDispatcher({
    send: (message: ClientMessage) => {
      if (message.kind === 'dispatch' || message.kind === 'cancel') hub.fromClient(client, message);
    },
  });
  function receiveAnswer(message: HubMessage): void {
    if (message.kind === 'dispatched' || message.kind === 'refused') receive(message);
  }
  return dispatcher;
}

