import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectionTo } from '../sources/support/legacy-orders.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** The built `daybook source`, and an export of what it bound: real threads, without an `up`. */

let test: TestDatabase;
let legacy: TestDatabase;
let home: string;
let environment: Record<string, string>;

beforeAll(async () => {
  test = await freshDatabase();
  legacy = await freshDatabase('template1');
  home = freshHome();
  environment = { DATABASE_URL: test.url, DAYBOOK_HOME: home };
  const client = new pg.Client({ connectionString: legacy.url });
  await client.connect();
  await client.query(`create table cdr (id text, at timestamptz, until timestamptz, state text, account text);
    insert into cdr select 'c' || i, timestamptz '2026-02-01T10:00:00Z' + i * interval '1 s',
      '2026-02-01T11:00:00Z', 'answered', 'acme-' || i % 2 from generate_series(1, 4) i`);
  await client.end();
  await daybookDone(environment, 'tenant', 'add', 'acme', '--zone', 'UTC');
});
afterAll(async () => {
  await legacy.drop();
  await test.drop();
});

it('source add, bind, test, list and remove: an export in between has the rows from there', async () => {
  const source = (...args: string[]) => daybookDone(environment, 'source', ...args);
  const { settings, credentials } = connectionTo(legacy.url);
  const secret = join(home, 'secret.json');
  writeFileSync(secret, JSON.stringify(credentials));
  const map = join(home, 'map.json');
  const fields = { external_id: 'id', started_at: 'at', ended_at: 'until', disposition: 'state' };
  writeFileSync(map, JSON.stringify({ fields }));
  const set = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  await source('add', 'pbx', '--kind', 'postgres', ...set, '--credentials', secret);
  const place = ['--dataset', 'calls', '--from', 'cdr', '--anchor', 'at', '--key', 'id'];
  const bind = ['bind', 'pbx', '--tenant', 'acme', ...place, '--map', map];
  const open = await daybook(environment, ['source', ...bind]);
  expect(open.code).toBe(2);
  expect(open.err).toContain('E_SOURCE');
  const bound = JSON.parse(await source(...bind, '--only-prefix', 'account=acme-', '--json'));
  expect(bound).toMatchObject({ sample: 1 });
  const tried = JSON.parse(await source('test', 'pbx', '--tenant', 'acme', '--json'));
  expect(tried).toMatchObject([{ id: bound.id, error: null }]);
  const rows = await daybookDone(
    environment,
    ...['export', 'calls', '--tenant', 'acme', '--from', '2026-02-01', '--to', '2026-02-01'],
    ...['--format', 'csv', '--columns', 'external_id', '--headers', 'keys', '--out', '-'],
  );
  expect(rows.trim().split('\r\n')).toEqual(['external_id', 'c1', 'c2', 'c3', 'c4']);
  const listed = await source('list', '--tenant', 'acme');
  expect(listed).toMatch(/calls +pbx +cdr +account=acme-…/);
  await source('remove', 'pbx', '--tenant', 'acme', '--binding', bound.id);
  await source('remove', 'pbx');
  expect(JSON.parse(await source('list', '--json'))).toEqual({ sources: [], bindings: [] });
});
