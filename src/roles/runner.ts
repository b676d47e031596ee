import { createPartStore } from '../cache/part-store.ts';
import { sweepOwnUnfinished } from '../cache/unfinished.ts';
import type { Config } from '../config.ts';
import { createLogger } from '../log.ts';
import { createIpcDispatcher } from '../pool/ipc-dispatcher.ts';
import type { HubMessage } from '../pool/messages.ts';
import { watchQueue } from '../scheduler/queue-watch.ts';
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
  const dead = `${config.primary}/`;
  const holder = `${dead}${process.pid}`;
  const { dispatcher, receive } = createIpcDispatcher({ send: sendToPrimary });
  const executor = startRunExecutor({
    database,
    source: createPostgresSource(database),
    parts: createPartStore(config.home),
    dispatcher,
    home: config.home,
    log,
    waitsForSpace: true,
    holder,
    // The primary starts a runner once the one before has ended: it cannot commit any more.
    deadHolders: dead,
    maxRuns: MAX_RUNS,
    announce: (hint) => sendToPrimary({ kind: 'progress', hint }),
  });
  const watch = watchQueue({
    database,
    log,
    tell: (queue) => sendToPrimary({ kind: 'queue', ...queue }),
  });
  process.on('message', (message: HubMessage) => {
    if (message.kind === 'dispatched' || message.kind === 'refused') receive(message);
    else if (message.kind === 'wake') executor.wake();
  });
  onDrain(async () => {
    watch.stop();
    await executor.drain(DRAIN_MS);
    await database.close();
  });
}
