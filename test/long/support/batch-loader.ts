import { pino } from 'pino';
import { startIngest } from '../../../src/scheduler/ingest/start-ingest.ts';
import { openDatabase } from '../../../src/store/database.ts';

/** A process that loads queued batches until it is killed; says so when it has begun. */
const log = pino({ level: 'silent' });
const database = openDatabase({
  url: process.argv[2],
  maxConnections: 4,
  applicationName: 'batch loader',
  log,
});
startIngest({ database, holder: `loader ${process.pid}`, log });
process.stdout.write('begun\n');
