import { afterAll, beforeAll, expect, it } from 'vitest';
import { listTenants, type Tenant } from '../../src/store/tenants.ts';
import { callRow, commit, sendSnapshot } from '../ingest/mirror/support/snapshots.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** The built `daybook snapshot`, without an `up`: what a mirror's guard held back, before a person. */

let test: TestDatabase;
let environment: Record<string, string>;
let acme: Tenant;
beforeAll(async () => {
  test = await freshDatabase();
  environment = { DATABASE_URL: test.url, DAYBOOK_HOME: freshHome(), LOG_LEVEL: 'fatal' };
  await daybookDone(environment, 'tenant', 'add', 'acme', '--zone', 'UTC');
  [acme] = await test.database.asSystem(listTenants);
});
afterAll(() => test.drop());

const run = (...args: string[]) => daybook(environment, ['snapshot', ...args, '--tenant', 'acme']);
const done = (...args: string[]) =>
  daybookDone(environment, 'snapshot', ...args, '--tenant', 'acme');
const rowsOf = (count: number) => Array.from({ length: count }, (_, i) => callRow(`c${i}`, i));
const send = (count: number) =>
  sendSnapshot(test.database, acme, [{ partNo: 0, rows: rowsOf(count) }]);
const calls = async () => {
  const [{ count }] = await test.database.asTenant(acme.id, (tx) =>
    tx.query<{ count: number }>('select count(*)::int as count from daybook.calls'),
  );
  return count;
};

it('shows what was held back and why, and commits it with leave or gives it up', async () => {
  await commit(test.database, acme, await send(100), 100);
  const id = await send(40);
  await expect(commit(test.database, acme, id, 40)).rejects.toMatchObject({
    code: 'E_MIRROR_REFUSED',
  });

  const [line] = (await done('list')).split('\n').filter((each) => each.includes(id));
  expect(line).toMatch(/calls +test +refused +40 .*60/);
  expect(await done('show', id)).toMatch(
    /came +40 rows in 1 parts\nstate +refused\nkept until .*\nheld back/,
  );
  expect(JSON.parse(await done('show', id, '--json'))).toMatchObject({
    ...{ id, dataset: 'calls', state: 'refused', rows: 40, parts: 1, result: null },
    ...{ refusal: expect.stringContaining('60'), scope: { window: null, prefix: null } },
  });

  const again = await run('commit', id, '--rows', '40');
  expect(again).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('nothing deleted'),
  });
  const tooFew = await run('commit', id, '--rows', '40', '--allow-deletes', '59');
  expect(tooFew).toMatchObject({ code: 1, out: '' });
  expect(await calls()).toBe(100);
  expect(await done('commit', id, '--rows', '40', '--allow-deletes', '60')).toBe(
    '0 loaded, 0 updated, 40 unchanged, 60 removed, 0 rejected\n',
  );
  expect(await calls()).toBe(40);
  const late = await run('discard', id);
  expect(late).toMatchObject({ code: 2, err: expect.stringContaining('it is committed already') });

  const unwanted = await send(1);
  expect(await done('discard', unwanted)).toBe(`${unwanted} is discarded\n`);
  expect(await done('discard', unwanted)).toBe(`${unwanted} is discarded\n`);
  const over = await run('commit', unwanted, '--rows', '1', '--allow-deletes', 'all');
  expect(over).toMatchObject({ code: 2, err: expect.stringContaining('it was discarded') });
  expect(await calls()).toBe(40);
  expect(
    JSON.parse(await done('list', '--json')).map((each: { state: string }) => each.state),
  ).toEqual(['discarded', 'committed', 'committed']);
});

it('knows no snapshot of another tenant', async () => {
  await daybookDone(environment, 'tenant', 'add', 'globex', '--zone', 'UTC');
  const id = await send(40);
  const foreign = await daybook(environment, ['snapshot', 'show', id, '--tenant', 'globex']);
  expect(foreign).toMatchObject({ code: 2, out: '', err: expect.stringContaining(id) });
  expect(await daybookDone(environment, 'snapshot', 'list', '--tenant', 'globex')).not.toContain(
    id,
  );
});
