import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect } from 'vitest';
import { openDatabase } from '../../../src/store/database.ts';
import { readPostmasterPid } from '../../../src/store/embedded/record.ts';
import { joinEmbeddedPostgres } from '../../../src/store/embedded-postgres.ts';
import { addTestTenant } from '../../support/database.ts';
import { ask, freshHome } from '../../support/embedded.ts';
import { type Child, childrenOf, daybook, isAlive, type Running, start, until } from './daybook.ts';
import { loadCalls } from './rows.ts';
import { standstill } from './standstill.ts';

/** A live `daybook up` with a tenant whose days can be exported, and ways to break it. */
export interface UpRig {
  readonly home: string;
  readonly port: number;
  /** Of `up`, and of commands that are its clients. */
  readonly environment: Readonly<Record<string, string>>;
  /** What an export that nothing disturbed gave. */
  readonly right: Buffer;
  /** As it runs now. */
  up(): Running;
  url(): string;
  /** Starts `up` again after it ended. */
  again(): Promise<void>;
  /** An export by the command, through `up`; `breakIt` happens while its days are being made. */
  exported(file: string, breakIt?: () => Promise<void>): Promise<Buffer>;
  api(path: string): Promise<Response>;
  authorization(): string;
  /** Children of the primary but for Postgres. */
  children(): Child[];
  /** Kills one of them; its number. */
  kill(role: string): number;
  postgresPid(): number | undefined;
  /** As if time had passed for the leases of all runs. */
  runOutOfLeases(): Promise<void>;
  close(): Promise<void>;
}

export interface UpOptions {
  /** Processes and threads; two compute processes of a thread each when not given. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export async function openUp(options: UpOptions = {}): Promise<UpRig> {
  const { args = ['--compute', '2', '--threads', '1'] } = options;
  const home = freshHome();
  const out = mkdtempSync(join(tmpdir(), 'daybook-out-'));
  const port = await freePort();
  const environment = {
    DAYBOOK_HOME: home,
    PORT: String(port),
    DAYBOOK_SECRET: 'a secret of more than thirty-two characters',
    LOG_LEVEL: 'info',
    ...options.environment,
  };
  let up: Running;
  let url = '';

  async function again(): Promise<void> {
    up = start(['up', '--no-demo', '--api', '2', ...args], environment);
    await until(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
        if (!isAlive(up.pid)) throw new Error(up.err());
        return answer?.status === 200 ? true : null;
      },
      'up is ready',
      60_000,
    );
    url = (await joinEmbeddedPostgres(home)) as string;
  }

  const flags = (file: string) => [
    ...['export', 'calls', '--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-05'],
    // Nothing is taken from parts: all is made while the table is held.
    ...['--no-cache', '--out', join(out, file)],
  ];

  async function exported(file: string, breakIt?: () => Promise<void>): Promise<Buffer> {
    const held = breakIt ? await standstill(url, 'calls') : null;
    const command = start(flags(file), environment);
    try {
      await held?.reached();
      await breakIt?.();
    } finally {
      await held?.end();
    }
    const { code, err } = await command.ended;
    // It may log that it lost a connection and say what its run waits for; it complains of nothing.
    const complaints = err.split('\n').filter((line) => !/^(|\{.*\}|waiting: .*)$/.test(line));
    expect({ code, complaints }).toEqual({ code: 0, complaints: [] });
    return readFileSync(join(out, file));
  }

  await again();
  const database = openDatabase({
    url,
    maxConnections: 2,
    applicationName: 'test',
    log: pino({ level: 'silent' }),
  });
  const acme = await addTestTenant(database, { name: 'acme', zone: 'UTC' });
  await loadCalls(database, acme, { days: 5, perDay: 400 });
  await database.close();
  const made = await daybook(['tenant', 'key', 'acme', '--scope', 'admin'], environment);
  const authorization = `Bearer ${made.out.trim()}`;
  const children = () => childrenOf(up.pid).filter(({ role }) => role !== 'postgres');

  return {
    home,
    port,
    environment,
    right: await exported('right.csv'),
    up: () => up,
    url: () => url,
    again,
    exported,
    api: (path) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { authorization },
        signal: AbortSignal.timeout(30_000),
      }),
    authorization: () => authorization,
    children,
    kill(role) {
      const child = children().find((each) => each.role === role);
      if (!child) throw new Error(`there is no ${role}`);
      process.kill(child.pid, 'SIGKILL');
      return child.pid;
    },
    postgresPid: () => readPostmasterPid(join(home, 'postgres', 'data'))?.pid,
    async runOutOfLeases() {
      await ask(
        url,
        `update daybook.runs set lease_until = now() - interval '1 second' where state = 'running'`,
      );
    },
    async close() {
      if (isAlive(up.pid)) {
        up.child.kill('SIGTERM');
        await up.ended;
      }
      rmSync(out, { recursive: true, force: true });
    },
  };
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
