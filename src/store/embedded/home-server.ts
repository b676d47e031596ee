import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { unavailable, unprivilegedAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import { ensureCluster, passwordOf } from './cluster.ts';
import { withHomeLock } from './home-lock.ts';
import { keepRenewing } from './other-place.ts';
import { answers, ensureDatabase, findServer, urlOf } from './probe.ts';
import { addUser, hasUsers, removeRecord, removeUser, writeRecord } from './record.ts';
import { lastFatal, launchServer, type ServerProcess, stopServer, watchServer } from './server.ts';
import { serverSettings } from './settings.ts';

/**
 * The embedded Postgres server of a home, in `<home>/postgres`. Any number of processes on one
 * machine (or in one container) share it: the first starts it, later ones join it, also when the
 * one that started it was killed; the last to leave stops it.
 */

export interface EmbeddedPostgresOptions {
  readonly home: string;
  /** Of a server that is started now; a running one keeps its own. Default 60. */
  readonly maxConnections?: number;
  /** Over those of `embedded/settings.ts`; also only of a server that is started now. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Of a server that is started now. Default: any free one. */
  readonly port?: number;
}

export interface EmbeddedPostgres {
  /** Of its database `daybook`, with the superuser's password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /**
   * Leaves the server; the last of its users shuts it down, and then this resolves when it has
   * exited.
   */
  stop(): Promise<void>;
  /**
   * Resolves when the server ends, with its exit code where we are its parent, else null; not any
   * more once we have left it to others.
   */
  readonly exited: Promise<number | null>;
}

const START_MS = 60_000;
const PORT_TRIES = 3;

/** Joins the server of this home, or starts it, making its cluster the first time. */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const folder = folderOf(options.home);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return withHomeLock(folder, async () => {
    const password = passwordOf(folder);
    const server = await joinOrLaunch(folder, password, options);
    const user = addUser(folder);
    const endRenewing = keepRenewing(folder);
    return {
      url: urlOf(password, server.port),
      port: server.port,
      pid: server.identity.pid,
      exited: server.exited,
      stop: () =>
        withHomeLock(folder, async () => {
          endRenewing();
          removeUser(user);
          if (hasUsers(folder)) return server.leave();
          await stopServer(server);
          removeRecord(folder);
        }),
    };
  });
}

/**
 * The URL of the server that runs on this home's data and answers now; null: none does. Only a
 * look: who wants the server to stay calls {@link startEmbeddedPostgres}, which joins it too.
 */
export async function joinEmbeddedPostgres(home: string): Promise<string | null> {
  const folder = folderOf(home);
  if (!existsSync(join(folder, 'password'))) return null;
  return withHomeLock(folder, async () => {
    const password = passwordOf(folder);
    const found = await findServer(folder, join(folder, 'data'), password, 5_000).catch(() => null);
    return found && urlOf(password, found.port);
  });
}

async function joinOrLaunch(
  folder: string,
  password: string,
  options: EmbeddedPostgresOptions,
): Promise<ServerProcess> {
  const data = join(folder, 'data');
  const found = await findServer(folder, data, password, START_MS);
  const server = found
    ? watchServer(found.identity, found.port)
    : await launch(folder, data, password, options);
  try {
    await ensureDatabase(urlOf(password, server.port, 'postgres'));
  } catch (error) {
    if (!found) await stopServer(server);
    throw error;
  }
  writeRecord(folder, server);
  return server;
}

async function launch(
  folder: string,
  data: string,
  password: string,
  options: EmbeddedPostgresOptions,
): Promise<ServerProcess> {
  const account = unprivilegedAccount();
  const binaries = findBinaries(folder, account);
  const settings = { ...serverSettings(options.maxConnections ?? 60), ...options.settings };
  const durable = settings['fsync'] !== 'off';
  await ensureCluster({ folder, data, account, binaries, password, durable });
  for (let left = PORT_TRIES; ; left -= 1) {
    const port = options.port ?? 0;
    const server = await launchServer({ folder, data, account, binaries, port, settings });
    try {
      const url = urlOf(password, server.port, 'postgres');
      if (await answers(server.identity, url, START_MS)) return server;
    } catch (error) {
      await stopServer(server);
      throw error;
    }
    // A free port may be taken between our look and the server's start.
    if (left === 1 || options.port !== undefined) {
      throw unavailable(`it ended while starting: ${lastFatal(folder)}`);
    }
  }
}

function folderOf(home: string): string {
  return join(home, 'postgres');
}
