import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Account, unavailable } from './account.ts';
import type { Binaries } from './binaries.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { spawnInFolder } from './spawn-in-folder.ts';

/** A running Postgres server process: our child, or one that was found running. */
export interface ServerProcess {
  readonly identity: ProcessIdentity;
  readonly port: number;
  /** The exit code, null for a signal or where only the end could be seen. */
  readonly exited: Promise<number | null>;
  /** Lets our process end although the server goes on. */
  leave(): void;
}

const LARGEST_LOG_BYTES = 16 * 2 ** 20;
const WATCH_MS = 250;

/** Starts the program; whether it answers is for the caller to see. */
export async function launchServer(to: {
  readonly folder: string;
  readonly data: string;
  readonly account: Account | null;
  readonly binaries: Binaries;
  /** 0: any free one. */
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
}): Promise<ServerProcess> {
  const port = to.port === 0 ? await freePort() : to.port;
  const settings = {
    ...to.settings,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
  };
  const log = openLog(join(to.folder, 'server.log'));
  const child = spawnInFolder({
    folder: to.data,
    account: to.account,
    program: to.binaries.postgres,
    args: (folder) => [
      '-D',
      folder,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    log,
  });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  if (child.pid === undefined) throw unavailable(`${to.binaries.postgres} does not start`);
  const identity = identityOf(child.pid) ?? { pid: child.pid, born: null };
  return { identity, port, exited, leave: () => child.unref() };
}

/** A server that another process started. */
export function watchServer(identity: ProcessIdentity, port: number): ServerProcess {
  let timer: NodeJS.Timeout | undefined;
  const exited = new Promise<number | null>((resolve) => {
    timer = setInterval(() => {
      if (isAlive(identity)) return;
      clearInterval(timer);
      resolve(null);
    }, WATCH_MS).unref();
  });
  return { identity, port, exited, leave: () => clearInterval(timer) };
}

/**
 * Fast shutdown: transactions in progress are rolled back. Whom that does not end in `patienceMs`
 * gets SIGQUIT, which needs recovery at the next start, and after as long again SIGKILL.
 */
export async function stopServer(server: ServerProcess, patienceMs = 20_000): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!isAlive(server.identity)) return;
    try {
      process.kill(server.identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    if (await endsWithin(server.identity, patienceMs)) return;
  }
  throw unavailable(`process ${server.identity.pid} does not end`);
}

/** Looks at the process itself: a child that was left no longer tells of its end. */
async function endsWithin(identity: ProcessIdentity, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** Why the server ended, by the last fatal line of its log, and where that log is. */
export function lastFatal(folder: string): string {
  const path = join(folder, 'server.log');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const fatal = lines.findLast((line) => /(FATAL|PANIC): /.test(line)) ?? lines.at(-1) ?? '';
  return `${fatal.replace(/^.*?((FATAL|PANIC): +)/, '')} (see ${path})`;
}

function openLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LARGEST_LOG_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
