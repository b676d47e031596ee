import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startForeignApi } from '../connectors/support.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** The built `daybook connector`, `trigger`, `ingest-key` and `dataset`, without an `up`. */

let test: TestDatabase;
let foreign: Awaited<ReturnType<typeof startForeignApi>>;
let home: string;
let environment: Record<string, string>;

const at = '2026-03-01T10:00:00Z';
const MAP = {
  fields: {
    ...{ external_id: 'id', started_at: 'at', ended_at: 'at' },
    disposition: { value: 'answered' },
  },
};
beforeAll(async () => {
  test = await freshDatabase();
  foreign = await startForeignApi(({ headers }) =>
    headers.authorization === 'Bearer a token of theirs'
      ? { body: { data: [{ id: 'c1', at }, { id: 'c2', at }, { id: 'c3' }] } }
      : { status: 401, body: 'who are you?' },
  );
  home = freshHome();
  environment = {
    ...{ DATABASE_URL: test.url, DAYBOOK_HOME: home, DAYBOOK_PRIVATE_TARGETS: 'allow' },
    ...{ PUBLIC_URL: 'https://daybook.example/', LOG_LEVEL: 'fatal' },
  };
  await daybookDone(environment, 'tenant', 'add', 'acme', '--zone', 'UTC');
});
afterAll(async () => {
  await foreign.close();
  await test.drop();
});

const run = (...args: string[]) => daybook(environment, [...args, '--tenant', 'acme']);
const done = (...args: string[]) => daybookDone(environment, ...args, '--tenant', 'acme');
const json = async (...args: string[]) => JSON.parse(await done(...args, '--json'));
const fileOf = (name: string, content: string | object) => {
  const path = join(home, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

it('connector add, test, run, pause and remove: rows are fetched, and a test stores none', async () => {
  const spec = {
    ...{ dataset: 'calls', url: `${foreign.url}/calls`, auth: { kind: 'bearer' }, rows: 'data' },
    ...{ map: MAP, cron: '0 4 * * *' },
  };
  const file = fileOf('hub.json', spec);
  const wrong = await run('connector', 'add', 'hub', fileOf('bad.json', { ...spec, pages: 1 }));
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('"pages"') });
  const secret = fileOf('token', 'a token of theirs\n');
  expect(await done('connector', 'add', 'hub', file, '--secret', secret)).toMatch(
    /hub +calls +active +20\S+T04:00:00.000Z/,
  );
  const tried = await run('connector', 'test', 'hub', '--json');
  expect(tried.code).toBe(1);
  expect(JSON.parse(tried.out)).toMatchObject({ rows: 3, good: 2, rejected: 1 });
  expect(await json('connector', 'show', 'hub')).toMatchObject({ hasSecret: true, runs: [] });

  expect(await json('connector', 'run', 'hub')).toMatchObject({
    ...{ state: 'done', rows: 3, loaded: 2, rejected: 1 },
  });
  expect(await done('connector', 'pause', 'hub')).toMatch(/hub +calls +paused +- /);
  expect(await done('connector', 'resume', 'hub')).toMatch(/hub +calls +active +20/);
  await done('connector', 'change', 'hub', file, '--paused');
  // The secret was kept through all of it.
  expect(await json('connector', 'run', 'hub')).toMatchObject({ state: 'done', unchanged: 2 });

  const url = (await done('trigger', 'add', 'push', '--connector', 'hub')).trim();
  expect(url).toMatch(/^https:\/\/daybook\.example\/v1\/triggers\/dbt_[\w-]{43}$/);
  expect(await done('trigger', 'list')).toMatch(/push +connector hub +0 +-/);
  await done('trigger', 'remove', 'push');
  expect((await run('trigger', 'remove', 'push')).code).toBe(2);

  await done('connector', 'remove', 'hub');
  expect(await json('connector', 'list')).toEqual([]);
});

it('ingest-key add, maps, list and revoke: what a sender has chosen is taken, and no list shows it', async () => {
  const chosen = 'a secret of theirs, long enough';
  const added = await json(
    ...['ingest-key', 'add', 'hub', '--scheme', 'hmac', '--header', 'X-Hub-Signature'],
    ...['--prefix', 'sha256=', '--dataset', 'calls', '--secret', fileOf('chosen', chosen)],
  );
  expect(added).toMatchObject({ secret: chosen, name: 'hub' });
  const map = fileOf('map.json', MAP);
  expect(await done('ingest-key', 'maps', added.id, `calls=${map}`)).toContain('maps of calls');
  const listed = await done('ingest-key', 'list');
  expect(listed).toMatch(/dbi_\w+ +hub +hub +hmac +calls +calls +- +good/);
  expect(listed).not.toContain(chosen);
  await done('ingest-key', 'revoke', added.id);
  expect(await done('ingest-key', 'list')).toContain('revoked 20');
});

it('dataset set changes what is given and keeps the rest', async () => {
  await done('dataset', 'set', 'calls', '--mirror-delete-share', '0.25', '--mirror-rejects', '3');
  await done('dataset', 'set', 'calls', '--mirror-delete-rows', '7', '--known-skus', 'on');
  const [calls] = await json('dataset', 'list');
  expect(calls).toEqual({
    ...{ dataset: 'calls', mirror_delete_share: 0.25, mirror_delete_rows: 7 },
    ...{ mirror_rejects: 3, known_skus: true },
  });
  for (const wrong of [['--mirror-delete-share', '1.5'], []]) {
    expect((await run('dataset', 'set', 'calls', ...wrong)).code).toBe(2);
  }
});
