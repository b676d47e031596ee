import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { datasetOf, LOADED_DATASETS } from '../../src/reports/dataset.ts';
import { authenticateApiKey } from '../../src/store/api-keys.ts';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { migrate } from '../../src/store/migrate.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { ask, freshHome, UNSAFE_AND_FAST } from '../support/embedded.ts';

/** The built command as a process of its own. */

const DAYBOOK = fileURLToPath(new URL('../../bin/daybook.js', import.meta.url));

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

async function daybook(
  args: readonly string[],
  environment: Record<string, string> = { DATABASE_URL: test.url, DAYBOOK_HOME: freshHome() },
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [DAYBOOK, ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

describe('daybook tenant', () => {
  it('adds, lists and moves tenants, and prints a key that works, once and alone', async () => {
    const added = await daybook(['tenant', 'add', 'acme', '--zone', 'Europe/London', '--json']);
    expect(added).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(added.out)).toMatchObject({ name: 'acme', locale: 'en', currency: 'USD' });

    const moved = await daybook(['tenant', 'zone', 'acme', 'Asia/Tokyo', '--from', '2026-03-01']);
    expect(moved.out).toContain('Europe/London, Asia/Tokyo from 2026-03-01');

    const listed = await daybook(['tenant', 'list', '--json']);
    expect(JSON.parse(listed.out)).toEqual([
      expect.objectContaining({
        name: 'acme',
        calendar: [
          { from: '0001-01-01', zone: 'Europe/London' },
          { from: '2026-03-01', zone: 'Asia/Tokyo' },
        ],
      }),
    ]);

    const key = await daybook(['tenant', 'key', 'acme', '--scope', 'read', '--scope', 'load']);
    expect(key.out).toMatch(/^dbk_[0-9a-f]{16}_[0-9a-f]{48}\n$/);
    const found = await test.database.asSystem((tx) => authenticateApiKey(tx, key.out.trim()));
    expect(found?.scopes).toEqual(['read', 'load']);
  });

  it.each([
    [['tenant'], 'Usage: daybook tenant'],
    [['tenant', 'add', '--zone', 'UTC'], `missing required argument 'name'`],
    [['tenant', 'add', 'x'], `required option '--zone <zone>'`],
    [
      ['tenant', 'add', 'x', '--zone', 'Mars/Base'],
      '"Mars/Base" is not a time zone; expected an IANA',
    ],

    [
      ['tenant', 'add', 'x', '--zone', 'UTC', '--currency', '$'],
      'currency: got "$"; expected three',
    ],
    [['tenant', 'key', 'nobody'], 'there is no tenant nobody here'],
    [['tenant', 'list', '--all'], `unknown option '--all'`],
    [['nonsense'], `unknown command 'nonsense'`],
  ])(
    '%j is wrong usage: exit 2, and the message says what came or is missing',
    async (args, message) => {
      const { code, out, err } = await daybook(args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(message);
    },
  );

  it('refuses an unknown scope and makes no key', async () => {
    await daybook(['tenant', 'add', 'scoped', '--zone', 'UTC']);
    const { code, out, err } = await daybook(['tenant', 'key', 'scoped', '--scope', 'all']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('scopes: got "all"; expected one or more of read, load, admin');
  });
});

describe('a database that does not answer', () => {
  const nowhere = () => ({
    DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x',
    DAYBOOK_HOME: freshHome(),
  });

  it('is exit 1 with its reason, and never shows the password', async () => {
    const { code, out, err } = await daybook(['tenant', 'list'], nowhere());
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('the database does not answer: connect ECONNREFUSED 127.0.0.1:1');
    expect(err).not.toContain('u:p');
  });

  it('is a failed check of the doctor, who makes the others all the same', async () => {
    const { code, out } = await daybook(['doctor', '--json'], nowhere());
    expect(code).toBe(1);
    const { healthy, checks } = JSON.parse(out) as {
      healthy: boolean;
      checks: { name: string; state: string; finding: string }[];
    };
    expect(healthy).toBe(false);
    expect(checks.map(({ name, state }) => `${name} ${state}`)).toEqual(
      expect.arrayContaining(['node ok', 'postgres fail']),
    );
  });
});

describe('a newcomer', () => {
  it('finds the version, and the fields of each dataset, without a database', async () => {
    const nowhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await daybook(['--version'], nowhere)).toEqual({
      code: 0,
      out: `${version}\n`,
      err: '',
    });
    const { code, out } = await daybook(['load', '--help'], nowhere);
    expect(code).toBe(0);
    for (const { name, fields } of LOADED_DATASETS.map(datasetOf)) {
      const line = out.split('\n').find((each) => each.startsWith(`  ${name}: `));
      expect(line?.match(/[a-z_]+\*?/g)?.slice(1)).toEqual(
        fields.map((field) => (field.required ? `${field.name}*` : field.name)),
      );
    }
  });
});

describe('a wrong environment', () => {
  it('is exit 2 and names every problem at once', async () => {
    const { code, err } = await daybook(['tenant', 'list'], {
      DATABASE_URL: 'mysql://x',
      PORT: 'z',
    });
    expect(code).toBe(2);
    expect(err).toMatch(/DATABASE_URL: got .*; expected a URL that starts with postgres.*PORT: /);
    expect(err).not.toContain('mysql');
  });
});

describe('a home without a database of its own', () => {
  it('gets one for the length of each command, and the doctor finds it well', async () => {
    const home = freshHome();
    const environment = { DAYBOOK_HOME: home, LOG_LEVEL: 'error' };
    const migrated = await daybook(['migrate', '--json'], environment);
    expect(migrated).toMatchObject({ code: 0, err: '' });
    const { migrations } = JSON.parse(migrated.out) as {
      migrations: { state: string; now: boolean }[];
    };
    expect(migrations.length).toBeGreaterThan(0);
    expect(migrations.every(({ state, now }) => state === 'applied' && now)).toBe(true);
    expect(existsSync(join(home, 'postgres', 'server.json'))).toBe(false);

    const again = await daybook(['migrate'], environment);
    expect(again.out).not.toContain('applied now');
    const examined = await daybook(['doctor'], environment);
    expect(examined).toMatchObject({ code: 0, err: '' });
    expect(examined.out).toMatch(/^zones +ok +Node \(\S+\) and Postgres agree on \d+ zones$/m);
    expect(examined.out).toMatch(/^row security +ok/m);
  });
});

describe('Ctrl-C in the middle of a command', () => {
  it('is exit 130, and the command leaves the embedded server', async () => {
    const home = freshHome();
    const server = await startEmbeddedPostgres({ home, settings: UNSAFE_AND_FAST });
    const holder = new pg.Client({ connectionString: server.url });
    try {
      await migrate(server.url);
      await holder.connect();
      await holder.query('begin; lock table daybook.tenants');
      const child = spawn(process.execPath, [DAYBOOK, 'tenant', 'list'], {
        env: { PATH: process.env.PATH, DAYBOOK_HOME: home },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      const waiting = `select from pg_stat_activity
        where application_name = 'daybook cli' and wait_event_type = 'Lock'`;
      await expect
        .poll(() => ask(server.url, waiting).then((rows) => rows.length), { timeout: 30_000 })
        .toBe(1);
      expect(readdirSync(join(home, 'postgres', 'users'))).toHaveLength(2);
      child.kill('SIGINT');
      expect(await ended).toEqual([130, null]);
      expect(readdirSync(join(home, 'postgres', 'users'))).toHaveLength(1);
    } finally {
      await holder.end();
      await server.stop();
    }
  });
});
