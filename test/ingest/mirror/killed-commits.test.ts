import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../../support/database.ts';
import { load } from '../support/load.ts';
import { callRow, ndjson, sendSnapshot, stateOf } from './support/snapshots.ts';

/** Commits that are killed: where they wait for a lock that the test holds, and right at their end. */

const COMMITTER = fileURLToPath(new URL('./support/committer.ts', import.meta.url));
const A = Array.from({ length: 100 }, (_, i) => callRow(`c${i}`, i));
const B = Array.from({ length: 100 }, (_, i) => callRow(`c${i + 5}`, i, { talk_seconds: 1 }));

let test: TestDatabase;
let tenant: TestTenant;
let clean: TestTenant;
/** One holds locks; the other looks, since within a transaction activity stands still. */
let holder: pg.Client;
let other: pg.Client;
let child: ChildProcess | null = null;
beforeAll(async () => {
  test = await freshDatabase();
  tenant = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  clean = await addTestTenant(test.database, { name: 'clean', zone: 'UTC' });
  await load(test.database, tenant, ndjson(A), { name: 'a.ndjson' });
  await load(test.database, clean, ndjson(B), { name: 'b.ndjson' });
  holder = new pg.Client({ connectionString: test.url });
  other = new pg.Client({ connectionString: test.url });
  await Promise.all([holder.connect(), other.connect()]);
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await Promise.all([holder.end(), other.end()]);
  await test.drop();
});

function begin(id: string): ChildProcess {
  const args = ['--import', 'tsx', COMMITTER, test.url, tenant.id, id, String(B.length)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

const committers = async (and = '') =>
  (
    await other.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where application_name = 'committer' ${and}`,
    )
  ).rows[0].n;

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await holds())) if (performance.now() > deadline) throw new Error('it never came to it');
}

it('leave A before their end and B after it, and B at last', async () => {
  const before = await stateOf(test.database, tenant);
  const after = await stateOf(test.database, clean);
  const id = await sendSnapshot(test.database, tenant, [{ partNo: 0, rows: B }]);
  const held = [
    // Waits for its turn, all staged.
    `select pg_advisory_xact_lock(hashtextextended('daybook load ${tenant.id} calls', 0))`,
    // In the middle of what it deletes, the rest written.
    `select from daybook.calls where tenant_id = '${tenant.id}' and external_id = 'c3' for update`,
  ];
  for (const lock of held) {
    await holder.query('begin');
    await holder.query(lock);
    child = begin(id);
    const closed = once(child, 'close');
    await until(async () => (await committers(`and wait_event_type = 'Lock'`)) > 0);
    child.kill('SIGKILL');
    await closed;
    await holder.query('rollback');
    await until(async () => (await committers()) === 0);
    expect(await stateOf(test.database, tenant)).toEqual(before);
  }
  child = begin(id);
  const closed = once(child, 'close');
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGKILL');
  await closed;
  expect(await stateOf(test.database, tenant)).toEqual(after);
});
