import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ComputeMessage, WorkMessage } from '../../src/pool/messages.ts';
import type { DayTask } from '../../src/reports/day-task.ts';
import { load } from '../ingest/support/load.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { ask, freshHome } from '../support/embedded.ts';
import { until } from './support/daybook.ts';
import { standstill } from './support/standstill.ts';

/** A real compute process with real threads, one of which hangs. */

const HOST = fileURLToPath(new URL('./support/compute-host.mjs', import.meta.url));
const PRELOAD = new URL('./support/poison.mjs', import.meta.url).href;

let test: TestDatabase;
let tenant: TestTenant;
let host: ChildProcess | null = null;
beforeAll(async () => {
  test = await freshDatabase();
  tenant = await addTestTenant(test.database, { name: 'a', zone: 'UTC' });
  const line = (day: string, queue: string) =>
    `${day},${day}T10:00:00Z,${day}T10:01:00Z,${queue},busy`;
  const lines = [line('2026-03-01', 'POISON-loop'), line('2026-03-02', 'harmless')];
  const csv = `external_id,started_at,ended_at,queue,disposition\n${lines.join('\n')}\n`;
  await load(test.database, tenant, csv);
});
afterEach(() => {
  host?.disconnect();
  host = null;
});
afterAll(() => test.drop());

interface Compute {
  send(message: WorkMessage): void;
  /** The answer to a day, when it comes. */
  answer(taskId: string): Promise<ComputeMessage>;
}

function startHost(threads: number): Compute {
  const settings = {
    databaseUrl: test.url,
    home: freshHome(),
    logLevel: 'silent',
    secret: null,
    privateTargets: 'refuse',
  } as const;
  const child = fork(HOST, [String(threads), JSON.stringify(settings)], {
    execArgv: [`--import=${PRELOAD}`],
    env: { PATH: process.env.PATH, DAYBOOK_ROLE: 'compute' },
  });
  host = child;
  const answers = new Map<string, ComputeMessage>();
  const waiting = new Map<string, (message: ComputeMessage) => void>();
  child.on('message', (message: ComputeMessage) => {
    if (message.kind === 'ready') return;
    answers.set(message.taskId, message);
    waiting.get(message.taskId)?.(message);
  });
  return {
    send: (message) => void child.send(message),
    answer: (taskId) =>
      new Promise((resolve, reject) => {
        const there = answers.get(taskId);
        if (there) return resolve(there);
        waiting.set(taskId, resolve);
        child.once('exit', (code, signal) => reject(new Error(`it ended: ${code ?? signal}`)));
      }),
  };
}

const task = (taskId: string, date: string): DayTask => ({
  taskId,
  runId: null,
  tenantId: tenant.id,
  workClass: 'interactive',
  expectedRows: 1,
  day: { date, zone: 'UTC', start: Date.parse(date), end: Date.parse(date) + 86_400_000 },
  dataset: 'calls',
  report: 'calls',
  grain: 'row',
  where: [],
  params: {},
  cacheable: false,
  rowsPart: null,
  scratchDir: 'tmp/test',
  folds: [],
  known: [],
  fragment: null,
});

describe('a compute process', () => {
  it('ends a thread that hangs, says of which day, and makes other days with all its threads', async () => {
    const compute = startHost(1);
    compute.send({ kind: 'work', task: task('hangs', '2026-03-01') });
    expect(await compute.answer('hangs')).toEqual({
      kind: 'lost',
      taskId: 'hangs',
      code: 'E_DAY_FAILED',
      reason: 'its thread stood still for 5 s',
    });
    compute.send({ kind: 'work', task: task('next', '2026-03-02') });
    expect(await compute.answer('next')).toMatchObject({ kind: 'worked', taskId: 'next' });
  });

  it('stops a day that waits for the database, and keeps its thread', async () => {
    const held = await standstill(test.url, 'calls');
    const compute = startHost(1);
    try {
      compute.send({ kind: 'work', task: task('waits', '2026-03-02') });
      await held.reached();
      compute.send({ kind: 'abort', taskId: 'waits' });
      expect(await compute.answer('waits')).toMatchObject({
        kind: 'broken',
        error: { code: 'E_CANCELLED' },
      });
    } finally {
      await held.end();
    }
    compute.send({ kind: 'work', task: task('again', '2026-03-02') });
    expect(await compute.answer('again')).toMatchObject({ kind: 'worked' });
  });

  it('ends the thread of a day that does not stop when it is asked to', async () => {
    const compute = startHost(2);
    compute.send({ kind: 'work', task: task('hangs', '2026-03-01') });
    compute.send({ kind: 'work', task: task('beside', '2026-03-02') });
    expect(await compute.answer('beside')).toMatchObject({ kind: 'worked' });
    await until(async () => {
      const silent = await ask(
        test.url,
        `select 1 from pg_stat_activity where datname = current_database()
           and application_name = 'daybook thread' and state = 'idle in transaction'
           and state_change < now() - interval '1 s'`,
      );
      return silent.length > 0 ? true : null;
    }, 'the thread hangs in the middle of its day');
    compute.send({ kind: 'abort', taskId: 'hangs' });
    expect(await compute.answer('hangs')).toMatchObject({ kind: 'lost' });
  });
});
