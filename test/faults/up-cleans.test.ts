import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybookDone, type RunningUp, startUp } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import { filesBelow, until } from './support/daybook.ts';
import { loadCalls } from './support/rows.ts';

/** A live `up` whose bound does not hold the parts of one export. */

const BOUND = 2 ** 20;

let test: TestDatabase;
let environment: Record<string, string>;
let home: string;
let up: RunningUp;
let headers: Record<string, string>;

beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  environment = {
    DATABASE_URL: test.url,
    DAYBOOK_HOME: home,
    DAYBOOK_SECRET: 'a secret of forty characters, for tests.',
    DAYBOOK_CACHE_BYTES: String(BOUND),
    LOG_LEVEL: 'warn',
  };
  const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await loadCalls(test.database, acme, { days: 4, perDay: 15_000 });
  up = await startUp(environment, ['--no-demo', '--api', '1', '--compute', '1', '--threads', '2']);
  const key = await daybookDone(environment, 'tenant', 'key', 'acme', '--scope', 'admin');
  headers = { authorization: `Bearer ${key.trim()}`, 'content-type': 'application/json' };
});
afterAll(async () => {
  expect(await up.stop()).toBe(0);
  await test.drop();
});

async function exported(columns: readonly string[] | undefined): Promise<string> {
  const period = { from: '2026-03-01', to: '2026-03-04' };
  const body = JSON.stringify({ report: 'calls', ...period, format: 'csv', columns });
  const asked = await fetch(`${up.url}/v1/exports`, {
    method: 'POST',
    headers: { ...headers, prefer: 'wait=30' },
    body,
  });
  const { id, status } = (await asked.json()) as { id: string; status: string };
  expect(status).toBe('done');
  return id;
}

const bytesOfParts = () =>
  filesBelow(join(home, 'parts'))
    .map((name) => readFileSync(join(home, 'parts', name)).length)
    .reduce((sum, bytes) => sum + bytes, 0);

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${up.url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}

describe('up', () => {
  it('brings parts within their bound when runs are done, and says so in its metrics', async () => {
    await exported(undefined);
    const evicted = await until(async () => {
      const parts = await metric('daybook_parts_evicted_total');
      return parts > 0 && bytesOfParts() <= BOUND ? parts : null;
    }, 'eviction');
    expect(evicted).toBeLessThan(8);
    expect(await metric('daybook_cache_bound_bytes')).toBe(BOUND);
    expect(await metric('daybook_days_total{from="made"}')).toBe(4);
    // What the cache says, the metrics say, and the disk holds.
    const bytes = bytesOfParts();
    expect(await metric('daybook_cache_bytes')).toBe(bytes);
    const stats = await daybookDone(environment, 'cache', 'stats', '--json');
    expect(JSON.parse(stats)).toMatchObject({ bytes, bound_bytes: BOUND });
    await daybookDone(environment, 'cache', 'verify');
  });

  it('takes an expired file off the disk, and answers 410 for it', async () => {
    const id = await exported(['external_id', 'caller']);
    const [{ path }] = await test.database.asSystem((tx) =>
      tx.query<{ path: string }>(
        `update daybook.files set expires_at = now() where run_id = $1 returning path`,
        [id],
      ),
    );
    // More parts wake it; by itself it looks once a minute.
    await exported(undefined);
    await until(() => (existsSync(join(home, path)) ? null : true), 'the file goes');
    const answer = await fetch(`${up.url}/v1/exports/${id}/file`, { headers });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      410,
      'E_GONE',
    ]);
  });
});
