import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { ask, freshHome } from '../support/embedded.ts';
import { daybook, start, unfinished } from './support/daybook.ts';
import { callsCsv, loadCalls } from './support/rows.ts';
import { standstill } from './support/standstill.ts';

let test: TestDatabase;
let out: string;
beforeAll(async () => {
  test = await freshDatabase();
  out = mkdtempSync(join(tmpdir(), 'daybook-out-'));
  const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
  await loadCalls(test.database, acme, { days: 4, perDay: 500 });
});
afterAll(async () => {
  await test.drop();
  rmSync(out, { recursive: true, force: true });
});

const environment = (home: string) => ({
  DATABASE_URL: test.url,
  DAYBOOK_HOME: home,
  LOG_LEVEL: 'silent',
});
const exportTo = (file: string) => [
  ...['export', 'calls', '--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-04'],
  ...['--out', file],
];
const runs = () =>
  ask<{ state: string; lease_owner: string | null }>(
    test.url,
    'select state, lease_owner from daybook.runs order by created_at desc',
  );

describe('an export that is interrupted while its days are made', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s ends with status 1, leaves no file and no unfinished one, and a cancelled run',
    async (signal) => {
      const home = freshHome();
      const held = await standstill(test.url, 'calls');
      try {
        const command = start(exportTo(join(out, 'cut.csv')), environment(home));
        await held.reached();
        if (signal === 'SIGINT') command.signalGroup(signal);
        else command.child.kill(signal);
        const { code, out: printed, err } = await command.ended;
        expect({ code, printed }).toEqual({ code: 1, printed: '' });
        expect(err).toMatch(/cancelled \(E_CANCELLED\)/);
      } finally {
        await held.end();
      }
      expect(readdirSync(out)).toEqual([]);
      expect(unfinished(home)).toEqual([]);
      expect((await runs())[0]).toMatchObject({ state: 'cancelled' });
    },
  );

  it('by SIGKILL leaves nothing at --out, and the next export is whole', async () => {
    const home = freshHome();
    const held = await standstill(test.url, 'calls');
    const file = join(out, 'killed.csv');
    const command = start(exportTo(file), environment(home));
    await held.reached();
    command.child.kill('SIGKILL');
    expect(await command.ended).toMatchObject({ signal: 'SIGKILL' });
    await held.end();
    expect(readdirSync(out)).toEqual([]);

    expect(await daybook(exportTo(file), environment(home))).toMatchObject({ code: 0 });
    expect(readdirSync(out)).toEqual(['killed.csv']);
    rmSync(file);
  });
});

it('an export whose connections are cut while its days are made is whole all the same', async () => {
  const file = join(out, 'cut.csv');
  const held = await standstill(test.url, 'calls');
  const command = start(exportTo(file), environment(freshHome()));
  try {
    await held.reached();
    await ask(
      test.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'daybook thread' and datname = current_database()`,
    );
  } finally {
    await held.end();
  }
  expect(await command.ended).toMatchObject({ code: 0 });
  rmSync(file);
});

describe('a load that is interrupted', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s in the middle of its input ends with status 1 and has loaded nothing',
    async (signal) => {
      const command = start(
        ['load', 'calls', '-', '--format', 'csv', '--tenant', 'acme'],
        environment(freshHome()),
      );
      const half = callsCsv({ days: 2, perDay: 5000, mark: 'never' });
      command.child.stdin?.write(half);
      await new Promise<void>((resolve) => {
        command.child.stderr?.on(
          'data',
          () => command.err().includes('stdin is read') && resolve(),
        );
      });
      if (signal === 'SIGINT') command.signalGroup(signal);
      else command.child.kill(signal);
      const { code, out: printed, err } = await command.ended;
      expect({ code, printed }).toEqual({ code: 1, printed: '' });
      expect(err).toContain('(E_CANCELLED)');
      const [{ n }] = await ask<{ n: string }>(
        test.url,
        `select count(*) as n from daybook.calls where external_id like 'never%'`,
      );
      expect(n).toBe('0');
    },
  );

  it('by SIGINT while it is being merged ends with status 1 and has loaded nothing', async () => {
    const file = join(out, 'whole.csv');
    writeFileSync(file, callsCsv({ days: 1, perDay: 100, mark: 'never' }));
    const held = await standstill(test.url, 'calls');
    try {
      const command = start(['load', 'calls', file, '--tenant', 'acme'], environment(freshHome()));
      await held.reached();
      command.signalGroup('SIGINT');
      expect(await command.ended).toMatchObject({ code: 1 });
    } finally {
      await held.end();
    }
    const loaded = await ask(
      test.url,
      `select 1 from daybook.calls where external_id like 'never%'`,
    );
    expect(loaded).toEqual([]);
    rmSync(file);
  });
});

describe('a home or a place for the file that cannot be used', () => {
  it('is refused: --out in no folder, before anything is made', async () => {
    const before = await runs();
    const home = freshHome();
    const { code, err } = await daybook(exportTo(join(out, 'no/such.csv')), environment(home));
    expect(code).toBe(2);
    expect(err).toMatch(/--out: got .*no\/such.csv.*expected a file in a folder that exists/);
    expect(await runs()).toEqual(before);
  });

  it('a home below a file says so, and leaves nothing at --out', async () => {
    const notFolder = join(freshHome(), 'file');
    writeFileSync(notFolder, '');
    const file = join(out, 'x.csv');
    const { code, err } = await daybook(exportTo(file), environment(join(notFolder, 'home')));
    expect(code).toBe(1);
    expect(err).toContain(notFolder);
    expect(existsSync(file)).toBe(false);
  });

  it('a home that is not there yet is made', async () => {
    const home = join(freshHome(), 'not', 'yet');
    const file = join(out, 'made.csv');
    expect(await daybook(exportTo(file), environment(home))).toMatchObject({ code: 0 });
    rmSync(file);
  });
});

describe('a database that is dead at the start', () => {
  const dead = () => ({
    DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x',
    DAYBOOK_HOME: freshHome(),
    PORT: '0',
    LOG_LEVEL: 'silent',
  });
  it.each([
    ['export', exportTo('/tmp/never.csv')],
    ['load', ['load', 'calls', '-', '--tenant', 'acme']],
    ['up', ['up']],
  ])('ends %s with status 1 and is named', async (_, args) => {
    const { code, out: printed, err } = await daybook(args, dead());
    expect({ code, printed }).toEqual({ code: 1, printed: '' });
    expect(err).toContain('the database does not answer: connect ECONNREFUSED 127.0.0.1:1');
    expect(err).not.toContain('u:p');
  });
});
