import cluster from 'node:cluster';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPartStore } from '../../src/cache/part-store.ts';
import { makeFilesFolder } from '../../src/cache/unfinished.ts';
import { type ComputeFleet, startComputeFleet } from '../../src/pool/compute-fleet.ts';
import { createHub, type Hub } from '../../src/pool/hub.ts';
import { createIpcDispatcher } from '../../src/pool/ipc-dispatcher.ts';
import type { HubMessage } from '../../src/pool/messages.ts';
import type { DayTask } from '../../src/reports/day-task.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { type RunExecutor, startRunExecutor } from '../../src/scheduler/run-executor.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { insertRun, isFinal, requestCancel } from '../../src/store/runs.ts';
import { callsCsv } from '../faults/support/rows.ts';
import { load } from '../ingest/support/load.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';

/** The hub, the run executor and a compute process as they are; each start of a day is written down. */

const THREADS = 2;
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let test: TestDatabase;
let large: TestTenant;
let small: TestTenant;
let hub: Hub;
let fleet: ComputeFleet;
let executor: RunExecutor;
const started: DayTask[] = [];
const events = new EventEmitter();

beforeAll(async () => {
  test = await freshDatabase();
  const { database } = test;
  large = await addTestTenant(database, { name: 'large', zone: 'UTC' });
  small = await addTestTenant(database, { name: 'small', zone: 'UTC' });
  const from = Date.UTC(2025, 0, 1);
  await load(database, large, callsCsv({ days: 365, perDay: 24, from }));
  await load(database, small, callsCsv({ days: 1, perDay: 24, from }));
  const log = pino({ level: 'silent' });
  const home = freshHome();
  makeFilesFolder(home);
  hub = createHub({ log, monotonicNow: () => performance.now() });
  cluster.setupPrimary({ exec: MAIN, args: [], execArgv: [] });
  const environment = {
    DAYBOOK_ROLE: 'compute',
    DAYBOOK_HOME: home,
    DATABASE_URL: test.url,
    DAYBOOK_THREADS: String(THREADS),
    LOG_LEVEL: 'silent',
  };
  fleet = startComputeFleet({
    hub: { ...hub, fromCompute: recordingStarts(hub) },
    processes: 1,
    environment,
    wardEnvironment: { ...environment, DAYBOOK_THREADS: '1' },
    onEnd: () => {},
    log,
  });
  const { dispatcher, receive } = createIpcDispatcher({
    send(message) {
      if (message.kind !== 'dispatch' && message.kind !== 'cancel') return;
      hub.fromClient(client, message);
      if (message.kind === 'dispatch') events.emit('asked', message.task);
    },
  });
  const client = {
    send(message: HubMessage) {
      if (message.kind === 'dispatched' || message.kind === 'refused') receive(message);
    },
  };
  executor = startRunExecutor({
    database,
    source: createPostgresSource(database),
    parts: createPartStore(home),
    dispatcher,
    home,
    log,
    waitsForSpace: true,
    holder: 'test',
    maxRuns: 4,
    announce: (hint) => {
      if (isFinal(hint.state)) events.emit(hint.runId, hint.state);
    },
  });
});
afterAll(async () => {
  await executor?.drain(0);
  await fleet?.stop('kill');
  await test?.drop();
});

it('a day of a small tenant is the next to start, while a large one exports 365', async () => {
  const ofLarge = await exported(large, '2025-01-01', '2025-12-31');
  while (started.length < 20) await once(events, 'started');
  const asked = once(events, 'asked');
  const ofSmall = await exported(small, '2025-01-01', '2025-01-01');
  await asked;
  // What was started before the hub heard of it cannot be overtaken; all after it can.
  const before = started.length;
  expect(hub.load().waiting).toBeGreaterThan(THREADS);
  expect(await ofSmall.ended).toBe('done');
  expect(started[before].tenantId).toBe(small.id);
  await test.database.asTenant(large.id, (tx) => requestCancel(tx, ofLarge.runId));
  executor.wake();
  expect(await ofLarge.ended).toBe('cancelled');
  expect(hub.load().waiting).toBe(0);
});

it('the hub never saw a thread idle while a day waited', () => {
  const { busyMs, idleWhileWaitingMs } = hub.load();
  expect(busyMs).toBeGreaterThan(0);
  expect(idleWhileWaitingMs).toBe(0);
});

function recordingStarts(of: Hub): Hub['fromCompute'] {
  return (computeId, channel, message) =>
    of.fromCompute(
      computeId,
      {
        send(work) {
          if (work.kind === 'work') {
            started.push(work.task);
            events.emit('started');
          }
          channel.send(work);
        },
      },
      message,
    );
}

async function exported(tenant: TestTenant, from: string, to: string) {
  const request = parseReportRequest(
    { report: 'calls', from, to, format: 'csv' },
    { locale: 'en' },
  );
  const run = await test.database.asTenant(tenant.id, (tx) =>
    insertRun(tx, {
      tenantId: tenant.id,
      request,
      workClass: 'interactive',
      requestedBy: 'test',
      daysTotal: 0,
    }),
  );
  const ended = once(events, run.id).then(([state]) => state as string);
  executor.wake();
  return { runId: run.id, ended };
}
