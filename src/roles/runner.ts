import { AggregatorRegistry, Registry } from 'prom-client';
import { tenantSourceOf } from '../bindings/source-of-config.ts';
import { createPartStore } from '../cache/part-store.ts';
import { sweepOwnUnfinished } from '../cache/unfinished.ts';
import type { Config } from '../config.ts';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import { createLogger } from '../log.ts';
import { createIpcDispatcher } from '../pool/ipc-dispatcher.ts';
import type { HubMessage } from '../pool/messages.ts';
import { startPlanningAhead } from '../scheduler/ahead/start-planning.ts';
import { createCacheMeter } from '../scheduler/cache-metrics.ts';
import { clean } from '../scheduler/clean.ts';
import { startCleaner } from '../scheduler/cleaner.ts';
import { startConnectors } from '../scheduler/connectors/start-connectors.ts';
import { startExpiringProposals } from '../scheduler/expire-proposals.ts';
import { startHashing } from '../scheduler/hash-files.ts';
import { startIngest } from '../scheduler/ingest/start-ingest.ts';
import { watchQueue } from '../scheduler/queue-watch.ts';
import { startRating } from '../scheduler/rating/start-rating.ts';
import { startRatingElsewhere } from '../scheduler/rating/start-rating-elsewhere.ts';
import { startLookingElsewhere } from '../scheduler/restate/start-looking-elsewhere.ts';
import { startRunExecutor } from '../scheduler/run-executor.ts';
import { openSendStage } from '../scheduler/send/open-send-stage.ts';
import { createSendMeter } from '../scheduler/send/send-metrics.ts';
import { createStages } from '../scheduler/stages/create-stages.ts';
import { startTicker } from '../scheduler/stages/ticker.ts';
import { openDatabase } from '../store/database.ts';
import { databaseNow } from '../store/dataset-marks.ts';
import { endLeases } from '../store/leases.ts';
import { onDrain, sendToPrimary } from './parent-channel.ts';
import { stepBack } from './step-back.ts';

const DRAIN_MS = 20_000;
/** Runs under way cost little: their days wait in the primary, where tenants take turns. */
const MAX_RUNS = 32;
const MOST_RUNS_OF_TENANT = 4;
/** Cron wakes the stages anyway. */
const CRON_MS = 60_000;

/** The runner: executes runs, asks the primary for days, cleans up. */
export async function runRunner(config: Config): Promise<void> {
  const log = createLogger({ level: config.logLevel, role: 'runner' });
  sweepOwnUnfinished(config.home);
  stepBack();
  const database = openDatabase({
    url: config.databaseUrl as string,
    maxConnections: config.poolSize,
    applicationName: 'daybook runner',
    log,
  });
  const dead = `${config.primary}/`;
  const holder = `${dead}${process.pid}`;
  await database.asSystem((tx) => endLeases(tx, { prefix: dead, butFor: holder }));
  // Before anything is asked of others, whose answers would find nobody.
  const metrics = new Registry();
  AggregatorRegistry.setRegistries(metrics);
  let sendingAgain: NodeJS.Timeout | undefined;
  function sendAgainIn(ms: number): void {
    clearTimeout(sendingAgain);
    sendingAgain = setTimeout(() => ticker.wake('send'), Math.min(ms, CRON_MS)).unref();
  }
  const send = await openSendStage(
    config,
    { database, holder, log },
    { deadHolders: dead, meter: createSendMeter(metrics, Date.now), onNext: sendAgainIn },
  );
  const { dispatcher, receive } = createIpcDispatcher({ send: sendToPrimary });
  const source = tenantSourceOf(config, database);
  const { home, cacheBytes: boundBytes } = config;
  const meter = createCacheMeter(metrics, { boundBytes, onOverBound: () => cleaner.wake() });
  const cleaner = startCleaner({
    pass: async (signal) => {
      const now = await database.asSystem(databaseNow, { readOnly: true });
      return clean(now, { database, home, boundBytes, holder, log }, signal);
    },
    onCleaned: (cleaned) => {
      meter.cleaned(cleaned);
      log.debug(cleaned, 'cleaned');
    },
    log,
  });
  const hasher = startHashing({ database, home, log, isIdle: () => executor.isIdle() });
  const executor = startRunExecutor({
    database,
    source,
    parts: createPartStore(config.home),
    dispatcher,
    home,
    log,
    meter,
    waitsForSpace: true,
    holder,
    // The primary starts a runner once the one before has ended: it cannot commit any more.
    deadHolders: dead,
    deadWereKilled: config.afterKill,
    maxRuns: MAX_RUNS,
    mostOfTenant: MOST_RUNS_OF_TENANT,
    announce: (hint) => {
      sendToPrimary({ kind: 'progress', hint });
      if (hint.state === 'done') hasher.wake();
      // What it made may be sealed now.
      if (hint.state === 'done' || hint.state === 'failed') ticker.wake('process');
      // What the run had pinned may go now.
      if (hint.state !== 'running' && meter.isOverBound()) cleaner.wake();
    },
  });
  const watch = watchQueue({
    database,
    log,
    tell: (queue) => sendToPrimary({ kind: 'queue', ...queue }),
  });
  const ticker = startTicker({
    database,
    holder,
    log,
    onQueued: () => executor.wake(),
    stages: createStages({ database, source, holder, send: send.pass }),
  });
  const ahead = startPlanningAhead({ database, source, log, wake: () => executor.wake() });
  const expiry = startExpiringProposals({ database, log });
  const rating = startRating({ database, source, holder, log });
  const elsewhere = startLookingElsewhere({ database, source, holder, log });
  const ratingElsewhere = startRatingElsewhere({ database, source, holder, log });
  const keys = await openInstallationKeys(config.home, config.secret);
  const rules = { privateTargets: config.privateTargets };
  const connectors = startConnectors({ database, keys, rules, log });
  const ingest = startIngest({ database, holder, log });
  process.on('message', (message: HubMessage) => {
    if (message.kind === 'dispatched' || message.kind === 'refused') receive(message);
    else if (message.kind === 'wake') {
      executor.wake();
      // Perhaps somebody wants a schedule now.
      ticker.wake('process');
      connectors.wake();
    }
  });
  onDrain(async () => {
    clearTimeout(sendingAgain);
    watch.stop();
    const looking = [elsewhere, ratingElsewhere];
    const workers = [ahead, ticker, expiry, rating, ...looking, connectors, ingest, cleaner];
    await Promise.all([executor.drain(DRAIN_MS), ...workers.map((worker) => worker.stop())]);
    await hasher.stop();
    send.close();
    await source.close();
    await database.close();
  });
}
