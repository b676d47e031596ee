import { hostname } from 'node:os';
import { createPartStore } from '../cache/part-store.ts';
import { sweepOwnUnfinished } from '../cache/unfinished.ts';
import type { Config } from '../config.ts';
import { createLogger } from '../log.ts';
import { createIpcDispatcher } from '../pool/ipc-dispatcher.ts';
import type { HubMessage } from '../pool/messages.ts';
import { startPlanningAhead } from '../scheduler/ahead/start-planning.ts';
import { startRunExecutor } from '../scheduler/run-executor.ts';
import { createPostgresSource } from '../sources/postgres/postgres-source.ts';
import { openDatabase } from '../store/database.ts';
import { onDrain, sendToPrimary } from './parent-channel.ts';

const DRAIN_MS = 20_000;
const MAX_RUNS = 8;

/** The runner: executes runs, asks the primary for days. */
export async function runRunner(config: Config): Promise<void> {
  const log = createLogger({ level: config.logLevel, role: 'runner' });
  sweepOwnUnfinished(config.home);
  const database = openDatabase({
    url: config.databaseUrl as string,
    maxConnections: config.poolSize,
    applicationName: 'daybook runner',
    log,
  });
  const { dispatcher, receive } = createIpcDispatcher({ send: sendToPrimary });
  const source = createPostgresSource(database);
  const executor = startRunExecutor({
    database,
    source,
    parts: createPartStore(config.home),
    dispatcher,
    home: config.home,
    log,
    holder: `${hostname()}/${process.pid}`,
    maxRuns: MAX_RUNS,
    announce: (hint) => sendToPrimary({ kind: 'progress', hint }),
  });
  const ahead = startPlanningAhead({ database, source, log, wake: () => executor.wake() });
  process.on('message', (message: HubMessage) => {
    if (message.kind === 'dispatched' || message.kind === 'refused') receive(message);
    else if (message.kind === 'wake') executor.wake();
  });
  onDrain(async () => {
    await Promise.all([ahead.stop(), executor.drain(DRAIN_MS)]);
    await database.close();
  });
}
