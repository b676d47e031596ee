import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FEW_RUNS, MOST_RUNS, MOST_RUNS_OF_TENANT } from '../../src/pool/admission.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { childrenOf, type Running, start, until } from '../faults/support/daybook.ts';
import { callsCsv } from '../faults/support/rows.ts';
import { load } from '../ingest/support/load.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { ask, freshHome } from '../support/embedded.ts';

/** Two tenants at a live `daybook up` with two compute processes of two threads. */

let test: TestDatabase;
let up: Running;
let url: string;
const tenants: { id: string; key: string }[] = [];

beforeAll(async () => {
  test = await freshDatabase();
  for (const name of ['acme', 'bolt']) {
    const { id } = await addTestTenant(test.database, { name, zone: 'UTC' });
    // One day in ten is 20 times heavier.
    const from = Date.UTC(2026, 0, 1);
    await load(test.database, { id, name }, callsCsv({ days: 93, perDay: 12, from }));
    for (let day = 5; day < 93; day += 10) {
      const heavy = { days: 1, perDay: 240, from: from + day * 86_400_000, mark: `heavy${day}` };
      await load(test.database, { id, name }, callsCsv(heavy));
    }
    const { token } = await test.database.asSystem((tx) =>
      createApiKey(tx, { tenantId: id, name: 'test', scopes: ['admin'], createdBy: 'test' }),
    );
    tenants.push({ id, key: token });
  }
  up = start(['up', '--no-demo', '--port', '0', '--api', '1', '--compute', '2', '--threads', '2'], {
    DAYBOOK_HOME: freshHome(),
    DATABASE_URL: test.url,
    DAYBOOK_SECRET: 'a secret of at least thirty-two characters',
    LOG_LEVEL: 'error',
  });
  url = await until(() => /^Daybook is up at (\S+)/m.exec(up.out())?.[1] ?? null, 'up is up');
  await until(
    async () => ((await fetch(`${url}/readyz`)).status === 200 ? true : null),
    'up is ready',
  );
});
afterAll(async () => {
  up?.child.kill('SIGTERM');
  await up?.ended;
  await test?.drop();
});

function post(key: string, to: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/exports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ report: 'calls', from: '2026-01-01', to, format: 'csv' }),
    signal: AbortSignal.timeout(70_000),
  });
}

/** The same key again waits for the same run. */
async function exportedWhole(key: string): Promise<void> {
  for (let waits = 0; waits < 3; waits++) {
    const headers = { prefer: 'wait=60', 'idempotency-key': 'whole' };
    const { status } = (await (await post(key, '2026-04-03', headers)).json()) as {
      status: string;
    };
    if (status === 'done') return;
    expect(['queued', 'running']).toContain(status);
  }
  throw new Error('the export did not end in three minutes');
}

async function removeQueued(tenantId: string): Promise<void> {
  await ask(
    test.url,
    `delete from daybook.runs where tenant_id = '${tenantId}' and state = 'queued'`,
  );
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('two exports of 93 days at once', () => {
  it('leave no thread idle while a day waits', async () => {
    await Promise.all(tenants.map(({ key }) => exportedWhole(key)));
    expect(await metric('daybook_thread_busy_seconds_total')).toBeGreaterThan(0);
    expect(await metric('daybook_thread_idle_while_waiting_seconds_total')).toBe(0);
  });
});

describe('a tenant whose exports pile up', () => {
  it('is told to come back later, and what it was answered before is answered again', async () => {
    const [flood, other] = tenants;
    // Nobody works on what is queued.
    const runner = childrenOf(up.pid).find(({ role }) => role === 'runner')?.pid as number;
    process.kill(runner, 'SIGSTOP');
    try {
      for (let i = 0; i < MOST_RUNS_OF_TENANT; i++) {
        const { status } = await post(flood.key, '2026-01-01', { 'idempotency-key': `k${i}` });
        expect(status).toBe(202);
      }
      const refused = await post(flood.key, '2026-01-01', { 'idempotency-key': 'new' });
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await refused.json()).toMatchObject({ code: 'E_BUSY', retryable: true });
      const again = await post(flood.key, '2026-01-01', { 'idempotency-key': 'k0' });
      expect(again.status).toBe(202);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect((await post(other.key, '2026-01-01')).status).toBe(202);
    } finally {
      process.kill(runner, 'SIGCONT');
    }
    const later = await until(async () => {
      const answer = await post(flood.key, '2026-01-01', { 'idempotency-key': 'new' });
      return answer.status === 202 ? answer : null;
    }, 'the tenant is let in again');
    expect(later.headers.get('idempotency-replayed')).toBeNull();
    await removeQueued(flood.id);
  });
});

describe('a backlog of others', () => {
  it('is refused to who has a part in it, and lets in who has none', async () => {
    const [acme, bolt] = tenants;
    const crowd = await addTestTenant(test.database, { name: 'crowd', zone: 'UTC' });
    // None of them is due, so that the queue stays as long as it is.
    const queue = (tenantId: string, runs: number) =>
      ask(
        test.url,
        `insert into daybook.runs
           (tenant_id, report, request, work_class, requested_by, days_total, not_before)
         select '${tenantId}', report, request, work_class, 'test', 1, now() + interval '1 hour'
         from generate_series(1, ${runs}),
           (select * from daybook.runs where tenant_id = '${acme.id}' limit 1) as like_this`,
      );
    await queue(crowd.id, MOST_RUNS);
    await queue(acme.id, FEW_RUNS);
    try {
      const refused = await until(async () => {
        const answer = await post(acme.key, '2026-01-01');
        return answer.status === 503 ? answer : null;
      }, 'acme is refused');
      const got = expect.stringMatching(/^\d{4,} exports wait$/);
      expect(await refused.json()).toMatchObject({ code: 'E_BUSY', got });
      expect((await post(bolt.key, '2026-01-01')).status).toBe(202);
    } finally {
      await removeQueued(crowd.id);
      await removeQueued(acme.id);
    }
  });
});
