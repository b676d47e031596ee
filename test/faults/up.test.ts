import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import { readPostmasterPid } from '../../src/store/embedded/record.ts';
import { joinEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { addTestTenant } from '../support/database.ts';
import { ask, freshHome } from '../support/embedded.ts';
import {
  childrenOf,
  daybook,
  isAlive,
  type Running,
  start,
  unfinished,
  until,
} from './support/daybook.ts';
import { loadCalls } from './support/rows.ts';
import { standstill } from './support/standstill.ts';

/** `daybook up`, each of its processes killed while an export is under way. */

const home = freshHome();
let port: number;
let up: Running;
let url: string;
let key: string;
let right: Buffer;
const out = mkdtempSync(join(tmpdir(), 'daybook-out-'));

const environment = () => ({
  DAYBOOK_HOME: home,
  PORT: String(port),
  DAYBOOK_SECRET: 'a secret of more than thirty-two characters',
  LOG_LEVEL: 'info',
});

async function startUp(): Promise<Running> {
  const started = start(
    ['up', '--no-demo', '--api', '2', '--compute', '2', '--threads', '1'],
    environment(),
  );
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (!isAlive(started.pid)) throw new Error(started.err());
    return answer?.status === 200 ? true : null;
  }, 'up is ready');
  return started;
}

async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

beforeAll(async () => {
  port = await freePort();
  up = await startUp();
  url = (await joinEmbeddedPostgres(home)) as string;
  const database = openDatabase({
    url,
    maxConnections: 2,
    applicationName: 'test',
    log: pino({ level: 'silent' }),
  });
  const acme = await addTestTenant(database, { name: 'acme', zone: 'UTC' });
  await loadCalls(database, acme, { days: 5, perDay: 400 });
  await database.close();
  const made = await daybook(['tenant', 'key', 'acme', '--scope', 'admin'], environment());
  key = made.out.trim();
  right = await exported('right.csv');
});
afterAll(async () => {
  if (isAlive(up.pid)) {
    up.child.kill('SIGTERM');
    await up.ended;
  }
  rmSync(out, { recursive: true, force: true });
});

const flags = (file: string) => [
  ...['export', 'calls', '--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-05'],
  // Nothing is taken from parts: all is made while the table is held.
  ...['--no-cache', '--out', join(out, file)],
];

/** An export through `up`, whole; `breakIt` happens while its days are being made. */
async function exported(file: string, breakIt?: () => Promise<void>): Promise<Buffer> {
  if (!breakIt) {
    const { code, err } = await daybook(flags(file), environment());
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return readFileSync(join(out, file));
  }
  const held = await standstill(url, 'calls');
  const command = start(flags(file), environment());
  try {
    await held.reached();
    await breakIt();
  } finally {
    await held.end();
  }
  const { code, err } = await command.ended;
  expect({ code, lines: err.split('\n').filter((line) => !/^(|\{.*\})$/.test(line)) }).toEqual({
    code: 0,
    lines: [],
  });
  return readFileSync(join(out, file));
}

const kill = (role: string) => {
  const child = childrenOf(up.pid).find((each) => each.role === role);
  if (!child) throw new Error(`there is no ${role}`);
  process.kill(child.pid, 'SIGKILL');
  return child.pid;
};
const request = {
  report: 'calls',
  from: '2026-03-01',
  to: '2026-03-05',
  format: 'csv',
  cache: false,
};
const api = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(30_000),
  });
const runOutOfLease = () =>
  ask(
    url,
    `update daybook.runs set lease_until = now() - interval '1 second' where state = 'running'`,
  );
const stateOf = async (id: string) =>
  (
    await ask<{ state: string; lease_owner: string | null }>(
      url,
      `select state, lease_owner from daybook.runs where id = '${id}'`,
    )
  )[0];

describe('an export under way through up', () => {
  it('comes, with the same bytes, when a compute process is killed', async () => {
    const bytes = await exported('compute.csv', async () => {
      kill('compute');
    });
    expect(bytes.equals(right)).toBe(true);
  });

  it('comes, with the same bytes, when the runner is killed and its lease has run out', async () => {
    const bytes = await exported('runner.csv', async () => {
      const dead = kill('runner');
      await until(() => (isAlive(dead) ? null : true), 'the runner is dead');
      await runOutOfLease();
    });
    expect(bytes.equals(right)).toBe(true);
  });

  it('comes, with the same bytes, when an API process is killed', async () => {
    const bytes = await exported('api.csv', async () => {
      kill('api');
    });
    expect(bytes.equals(right)).toBe(true);
    expect((await api('/v1/exports')).status).toBe(200);
  });

  it('leaves nothing unfinished behind', async () => {
    await until(() => (unfinished(home).length === 0 ? true : null), 'nothing is unfinished');
    expect(await ask(url, `select 1 from daybook.runs where state <> 'done'`)).toEqual([]);
  });
});

describe('a request whose body breaks off', () => {
  it('makes no run', async () => {
    const count = async () =>
      (await ask<{ n: string }>(url, 'select count(*) as n from daybook.runs'))[0].n;
    const before = await count();
    const body = JSON.stringify(request);
    const { connect } = await import('node:net');
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/exports HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n` +
            `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, -20)}`,
        );
        socket.end();
      });
      socket.on('data', (bytes) => {
        if (/^HTTP\/1.1 2/.test(bytes.toString())) reject(new Error(bytes.toString()));
      });
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
    });
    expect(await count()).toBe(before);
  });
});

describe('Postgres that is killed under up', () => {
  it('comes back; meanwhile the API says 503 and lives, and an export under way still comes', async () => {
    const answers: { status: number; type: string | null }[] = [];
    const bytes = await exported('postgres.csv', async () => {
      const before = readPostmasterPid(join(home, 'postgres', 'data'))?.pid as number;
      process.kill(before, 'SIGKILL');
      await until(async () => {
        const answer = await api('/v1/exports');
        answers.push({ status: answer.status, type: answer.headers.get('content-type') });
        const now = readPostmasterPid(join(home, 'postgres', 'data'))?.pid;
        return answer.status === 200 && now !== before ? true : null;
      }, 'the API answers again');
    });
    expect(bytes.equals(right)).toBe(true);
    for (const { status, type } of answers.filter((answer) => answer.status !== 200)) {
      expect({ status, type }).toEqual({
        status: 503,
        type: expect.stringContaining('problem+json'),
      });
    }
    expect(isAlive(up.pid)).toBe(true);
    expect(up.err()).not.toContain('a process died","kind":"api');
  });
});

describe('up that is told to end', () => {
  const running = async () => {
    const [run] = await ask<{ id: string }>(
      url,
      `select id from daybook.runs where state = 'running'`,
    );
    return run.id;
  };

  it('by SIGTERM in the middle of an export gives the run back, and the next up finishes it', async () => {
    const bytes = await exported('restart.csv', async () => {
      const id = await running();
      up.child.kill('SIGTERM');
      // The table is held for longer than up waits for what is under way.
      await until(async () => ((await stateOf(id)).state === 'queued' ? true : null), 'it queues');
      expect(await stateOf(id)).toEqual({ state: 'queued', lease_owner: null });
      expect((await up.ended).code).toBe(0);
      up = await startUp();
    });
    expect(bytes.equals(right)).toBe(true);
  });

  it('by a second SIGTERM ends at once and its children with it, and the run is taken over', async () => {
    const bytes = await exported('second.csv', async () => {
      const id = await running();
      const children = childrenOf(up.pid).filter(({ role }) => role !== 'postgres');
      up.child.kill('SIGTERM');
      await until(() => (up.err().includes('draining') ? true : null), 'it drains');
      up.child.kill('SIGTERM');
      expect((await up.ended).code).toBe(1);
      await until(() => (children.some(({ pid }) => isAlive(pid)) ? null : true), 'children end');
      expect((await stateOf(id)).state).toBe('running');
      await runOutOfLease();
      up = await startUp();
    });
    expect(bytes.equals(right)).toBe(true);
  });

  it('by SIGKILL takes its children along; the next up takes the port and the Postgres', async () => {
    const children = childrenOf(up.pid).filter(({ role }) => role !== 'postgres');
    const server = readPostmasterPid(join(home, 'postgres', 'data'))?.pid as number;
    expect(children.length).toBe(5);
    up.child.kill('SIGKILL');
    await until(() => (children.every(({ pid }) => !isAlive(pid)) ? true : null), 'children end');
    up = await startUp();
    url = (await joinEmbeddedPostgres(home)) as string;
    expect((await exported('again.csv')).equals(right)).toBe(true);
    up.child.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
    expect(isAlive(server)).toBe(false);
    expect(readPostmasterPid(join(home, 'postgres', 'data'))).toBeNull();
  });
});
