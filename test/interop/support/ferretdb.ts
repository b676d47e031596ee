import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';

/** A server that speaks MongoDB's protocol and is not ours. */
export interface MongoServer {
  /** `name:port` */
  readonly host: string;
  /** Null: it is somebody else's, and cannot be killed and started. */
  readonly process: { kill(): Promise<void>; start(): Promise<void> } | null;
  stop(): Promise<void>;
}

const INSTALL = 'build FerretDB 1.24.2 as .ci/run does';

/**
 * Must be stopped. A FerretDB of its own, over SQLite in a temporary folder; without the program, and
 * outside CI, the server that `MONGODB_URL` names.
 * @throws Error where there is neither
 */
export async function openMongoServer(): Promise<MongoServer> {
  const program = ferretdb();
  if (program !== null) return startFerret(program);
  const given = process.env['MONGODB_URL'];
  if (given && !process.env['CI']) {
    return { host: new URL(given).host, process: null, stop: async () => {} };
  }
  throw new Error(`no ferretdb in PATH and none that FERRETDB names: ${INSTALL}`);
}

function ferretdb(): string | null {
  const program = process.env['FERRETDB'] ?? 'ferretdb';
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return program;
  } catch {
    return null;
  }
}

async function startFerret(program: string): Promise<MongoServer> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-ferretdb-'));
  const host = `127.0.0.1:${await freePort()}`;
  let child: ChildProcess | null = null;

  async function start(): Promise<void> {
    child = spawn(
      program,
      [
        ...['--handler=sqlite', `--sqlite-url=file:${folder}/`, `--state-dir=${folder}`],
        ...[`--listen-addr=${host}`, '--debug-addr=-', '--telemetry=disable', '--log-level=error'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder },
    );
    const { exitCode } = child;
    let said = '';
    child.stderr?.on('data', (bytes) => {
      said = `${said}${bytes}`.slice(-4_000);
    });
    const deadline = performance.now() + 60_000;
    while (!(await answers(host))) {
      if (exitCode !== child.exitCode || performance.now() > deadline) {
        throw new Error(`ferretdb did not start: ${said}`);
      }
      // It tells nobody that it listens.
      await sleep(50);
    }
  }

  async function kill(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  await start();
  return {
    host,
    process: { start, kill },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(host: string): Promise<boolean> {
  const client = new MongoClient(`mongodb://${host}/`, {
    ...{ directConnection: true, serverSelectionTimeoutMS: 500 },
  });
  try {
    await client.db('admin').command({ ping: 1 });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
