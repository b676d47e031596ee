import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { planStage } from '../../../src/scheduler/stages/plan.ts';
import { processStage } from '../../../src/scheduler/stages/process.ts';
import { startTicker } from '../../../src/scheduler/stages/ticker.ts';
import { openDatabase } from '../../../src/store/database.ts';

/** A process that ticks: it plans and queues what is due. A line on stdin wakes it besides cron. */

export interface Ticked {
  readonly stage: 'plan' | 'process';
  /** As of when, UTC epoch ms. */
  readonly now: number;
}

const [url] = process.argv.slice(2);
const log = pino({ level: 'silent' });
const database = openDatabase({ url, maxConnections: 4, applicationName: 'ticking', log });
const report = (ticked: Ticked) => process.stdout.write(`${JSON.stringify(ticked)}\n`);
const ticker = startTicker({
  ...{ database, holder: `ticking/${process.pid}`, log },
  onQueued: () => {},
  stages: {
    plan: async (now, signal) => {
      const planned = await planStage(now, { database }, signal);
      report({ stage: 'plan', now });
      return planned;
    },
    process: async (now, signal) => {
      const processed = await processStage(now, { database }, signal);
      report({ stage: 'process', now });
      return processed;
    },
  },
});
createInterface({ input: process.stdin })
  .on('line', () => {
    ticker.wake('plan');
    ticker.wake('process');
  })
  .on('close', async () => {
    await ticker.stop();
    await database.close();
  });
