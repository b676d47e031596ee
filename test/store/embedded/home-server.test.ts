import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { identityOf } from '../../../src/store/embedded/process-identity.ts';
import {
  type EmbeddedPostgres,
  joinEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../../src/store/embedded-postgres.ts';
import { ask, freshHome, UNSAFE_AND_FAST } from '../../support/embedded.ts';

const START_AND_WAIT = fileURLToPath(new URL('../../support/start-and-wait.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;

const start = (home: string) => startEmbeddedPostgres({ home, settings: UNSAFE_AND_FAST });
const lives = (pid: number) => identityOf(pid) !== null;

/** A parent of its own, so that it can be killed. */
async function startElsewhere(
  home: string,
): Promise<{ child: ChildProcess; pid: number; url: string }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', START_AND_WAIT, home, JSON.stringify(UNSAFE_AND_FAST)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [line] = await once(
    createInterface({ input: child.stdout as NodeJS.ReadableStream }),
    'line',
  );
  return { child, ...(JSON.parse(line as string) as { pid: number; url: string }) };
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Making a cluster takes most of the time of a test, so most of them share one. */
const home = join(freshHome(), 'deeper', 'home');

describe('a home', () => {
  it('that only its owner may enter has a server that keeps its data over a restart', async () => {
    expect(statSync(join(home, '..', '..')).mode & 0o077).toBe(0);
    const first = await start(home);
    if (isRoot) expect(statSync(`/proc/${first.pid}`).uid).not.toBe(0);
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    expect(lives(first.pid)).toBe(false);
    const second = await start(home);
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
    await expect(second.exited).resolves.toBe(0);
  });

  it('has one server, however many start it at once; the last to leave stops it', async () => {
    const servers = await Promise.all([start(home), start(home), start(home)]);
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
    expect(new Set(servers.map(({ url }) => url)).size).toBe(1);
    const [a, b, c] = servers as [EmbeddedPostgres, EmbeddedPostgres, EmbeddedPostgres];
    await a.stop();
    await b.stop();
    expect(await ask(c.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await c.stop();
    expect(lives(c.pid)).toBe(false);
  });

  it('is shared by processes: who started it may leave before who joined', async () => {
    const other = await startElsewhere(home);
    const joined = await start(home);
    expect(joined.pid).toBe(other.pid);
    other.child.stdin?.write('leave\n');
    expect(await once(other.child, 'exit')).toEqual([0, null]);
    expect(await ask(joined.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await joined.stop();
    expect(lives(joined.pid)).toBe(false);
  });

  it('whose server outlived a killed parent: the next one adopts and stops it', async () => {
    const orphan = await startElsewhere(home);
    await killed(orphan.child);
    expect(lives(orphan.pid)).toBe(true);
    expect(await joinEmbeddedPostgres(home)).toBe(orphan.url);
    const adopted = await start(home);
    expect(adopted.pid).toBe(orphan.pid);
    await adopted.stop();
    await adopted.exited;
    expect(lives(orphan.pid)).toBe(false);
    expect(readdirSync(join(home, 'postgres', 'users'))).toEqual([]);
    expect(await joinEmbeddedPostgres(home)).toBeNull();
  });

  it('tells pid and port of its server in a file that only its owner reads', async () => {
    const server = await start(home);
    const path = join(home, 'postgres', 'server.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      pid: server.pid,
      port: server.port,
      started: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    await server.stop();
    expect(existsSync(path)).toBe(false);
  });

  it('is joined without its server.json too, since the server says where it is', async () => {
    const server = await start(home);
    writeFileSync(join(home, 'postgres', 'server.json'), '{"pid": 1, "po');
    expect(await joinEmbeddedPostgres(home)).toBe(server.url);
    await server.stop();
  });

  it('with notes of processes that are long gone, or of others that got their ids, starts', async () => {
    await (await start(home)).stop();
    const folder = join(home, 'postgres');
    const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(gone, 'exit');
    const stale = [
      // A pid of nobody, and one of a living process that is no server: ourselves.
      { pid: gone.pid, born: '1' },
      { pid: process.pid, born: '1' },
    ];
    for (const { pid, born } of stale) {
      writeFileSync(join(folder, 'server.json'), JSON.stringify({ pid, born, port: 1 }));
      writeFileSync(join(folder, 'lock'), JSON.stringify({ pid, born }));
      writeFileSync(join(folder, 'users', `${pid}-x`), JSON.stringify({ pid, born }));
      writeFileSync(join(folder, 'data', 'postmaster.pid'), `${pid}\n/x\n1\n1\n\n\n\n`);
      expect(await joinEmbeddedPostgres(home)).toBeNull();
      const server = await start(home);
      expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
      await server.stop();
      expect(lives(server.pid)).toBe(false);
    }
  });

  it('whose server runs in another container is left alone; once that is gone, it is taken over', async () => {
    const folder = join(home, 'postgres');
    const path = join(folder, 'server.json');
    const elsewhere = { pid: process.pid, born: null, port: 1, place: 'elsewhere pid:[1]' };
    writeFileSync(path, JSON.stringify(elsewhere));
    let renewals = 0;
    const renewing = setInterval(() => {
      const at = new Date(Date.now() - 1_000 + ++renewals);
      utimesSync(path, at, at);
    }, 20);
    try {
      await expect(start(home)).rejects.toMatchObject({
        code: 'E_UNAVAILABLE',
        message: expect.stringContaining('is in use by a server on elsewhere'),
      });
    } finally {
      clearInterval(renewing);
    }
    utimesSync(path, 1, 1);
    const server = await start(home);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: server.pid });
    await server.stop();
  });

  it('in which making the cluster was cut short is made anew', async () => {
    const home = freshHome();
    const folder = join(home, 'postgres');
    mkdirSync(join(folder, 'making-1', 'cluster', 'base'), { recursive: true });
    mkdirSync(join(folder, 'data'), { mode: 0o700 });
    const server = await start(home);
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(readdirSync(folder).filter((name) => name.startsWith('making-'))).toEqual([]);
    await server.stop();
  });

  it('with data of another version of Postgres is refused, untouched', async () => {
    const home = freshHome();
    const data = join(home, 'postgres', 'data');
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'PG_VERSION'), '9.6\n');
    await expect(start(home)).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      message: expect.stringContaining('was made by Postgres 9.6, this is 17'),
    });
    expect(readdirSync(data)).toEqual(['PG_VERSION']);
  });

  it('without a server is not joined, and nothing is made by asking', async () => {
    const none = join(freshHome(), 'none');
    expect(await joinEmbeddedPostgres(none)).toBeNull();
    expect(existsSync(none)).toBe(false);
  });
});

describe('a server that cannot start', () => {
  it('is E_UNAVAILABLE with the server’s own reason, and leaves nothing running', async () => {
    const failing = startEmbeddedPostgres({ home, settings: { shared_buffers: 'plenty' } });
    await expect(failing).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      message: expect.stringContaining(
        'it ended while starting: invalid value for parameter "shared_buffers": "plenty" (see ',
      ),
    });
    expect(existsSync(join(home, 'postgres', 'lock'))).toBe(false);
    const server = await start(home);
    await server.stop();
  });
});
