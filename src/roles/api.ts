import { AggregatorRegistry, Registry } from 'prom-client';
import { RateLimiterCluster } from 'rate-limiter-flexible';
import { createProgressFeed } from '../api/progress-feed.ts';
import { buildServer } from '../api/server.ts';
import { startSummaryUses } from '../api/summary-uses.ts';
import { jwtSettingsFrom } from '../api/supabase-token.ts';
import { tenantSourceOf } from '../bindings/source-of-config.ts';
import { createPartStore } from '../cache/part-store.ts';
import type { Config } from '../config.ts';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import { DaybookError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { type Backlog, demandRoom } from '../pool/admission.ts';
import { createIpcDispatcher } from '../pool/ipc-dispatcher.ts';
import type { HubMessage } from '../pool/messages.ts';
import { countDays } from '../scheduler/cache-metrics.ts';
import { createSummaryProducer } from '../scheduler/produce-summary.ts';
import { createChangesProducer } from '../scheduler/restate/changes-since.ts';
import { openDatabase } from '../store/database.ts';
import { createMetricsClient } from './metrics-client.ts';
import { onDrain, sendToPrimary } from './parent-channel.ts';

/** Requests of one tenant in {@link LIMIT_SECONDS}, over all API processes. */
const LIMIT_POINTS = 600;
const LIMIT_SECONDS = 60;

/** An API process: validates, authorises, records runs, streams files. It hosts no threads. */
export async function runApi(config: Config): Promise<void> {
  const log = createLogger({ level: config.logLevel, role: 'api' });
  const database = openDatabase({
    url: config.databaseUrl as string,
    maxConnections: config.poolSize,
    applicationName: 'daybook api',
    log,
  });
  const source = tenantSourceOf(config, database);
  const { dispatcher, receive } = createIpcDispatcher({ send: sendToPrimary });
  const feed = createProgressFeed();
  const metrics = new Registry();
  AggregatorRegistry.setRegistries(metrics);
  const allMetrics = createMetricsClient({ send: sendToPrimary });
  const summaryUses = startSummaryUses({ database, log });
  let engineReady = false;
  let backlog: Backlog = { waitingSeconds: 0, secondsPerDay: 0, queuedRuns: 0, queuedDays: 0 };
  const days = {
    database,
    dispatcher,
    source,
    home: config.home,
    meter: countDays(metrics),
  };
  const server = await buildServer({
    database,
    log,
    home: config.home,
    publicUrl: config.publicUrl ?? `http://${config.host}:${config.port}`,
    wake: () => sendToPrimary({ kind: 'wake' }),
    progress: feed,
    summaries: createSummaryProducer(days),
    changes: createChangesProducer({ ...days, parts: createPartStore(config.home) }),
    summaryUses,
    admission: (tenantQueuedRuns) => demandRoom(tenantQueuedRuns, backlog),
    jwt: jwtSettingsFrom(config.supabase),
    keys: await openInstallationKeys(config.home, config.secret),
    privateTargets: config.privateTargets,
    rateLimit: new RateLimiterCluster({
      keyPrefix: 'tenant',
      points: LIMIT_POINTS,
      duration: LIMIT_SECONDS,
      timeoutMs: 3_000,
    }),
    readiness: [
      {
        name: 'runner',
        check: async () => {
          if (engineReady) return;
          throw new DaybookError('E_UNAVAILABLE', { what: 'the runner', reason: 'it is starting' });
        },
      },
    ],
    metrics,
    collectMetrics: allMetrics.collect,
    now: Date.now,
  });
  process.on('message', (message: HubMessage) => {
    if (message.kind === 'dispatched' || message.kind === 'refused') receive(message);
    else if (message.kind === 'progress') feed.publish(message.hint);
    else if (message.kind === 'metrics') allMetrics.receive(message);
    else if (message.kind === 'engine') engineReady = message.ready;
    else if (message.kind === 'backlog') backlog = message.backlog;
  });
  const listening = server.listen({ host: config.host, port: config.port });
  // A server that is closed while it begins to listen would stay.
  onDrain(() =>
    listening
      .catch(() => {})
      .then(() => server.close())
      .then(() => summaryUses.stop())
      .then(() => source.close())
      .then(() => database.close()),
  );
  await listening;
}
