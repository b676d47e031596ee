import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Account, unavailable } from './account.ts';
import type { Binaries } from './binaries.ts';
import { spawnInFolder } from './spawn-in-folder.ts';

/** The folder of data files (a cluster) of a home, and the password of its superuser. */

export const SUPERUSER = 'postgres';

/** `<home>/postgres/password`, made the first time. Call it under the home's lock. */
export function passwordOf(folder: string): string {
  const path = join(folder, 'password');
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, randomBytes(24).toString('hex'), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return readFileSync(path, 'utf8');
}

/**
 * Makes the cluster when there is none; it appears by a rename, whole or not at all. Call it under
 * the home's lock.
 * @throws DaybookError `E_UNAVAILABLE` when initdb fails, or the cluster is of another version.
 */
export async function ensureCluster(to: {
  readonly folder: string;
  readonly data: string;
  readonly account: Account | null;
  readonly binaries: Binaries;
  readonly password: string;
  readonly durable: boolean;
}): Promise<void> {
  if (existsSync(join(to.data, 'PG_VERSION'))) {
    const version = readFileSync(join(to.data, 'PG_VERSION'), 'utf8').trim();
    if (version === to.binaries.major) return;
    throw unavailable(
      `${to.data} was made by Postgres ${version}, this is ${to.binaries.major}; move it with pg_dump`,
    );
  }
  for (const name of readdirSync(to.folder)) {
    if (name.startsWith('making-')) rmSync(join(to.folder, name), { recursive: true, force: true });
  }
  const making = join(to.folder, `making-${process.pid}`);
  // initdb wants an empty folder and a readable password file: one beside the other.
  const cluster = join(making, 'cluster');
  const passwordFile = join(making, 'password');
  mkdirSync(making, { mode: 0o700 });
  mkdirSync(cluster, { mode: 0o700 });
  writeFileSync(passwordFile, to.password, { mode: 0o600 });
  if (to.account) {
    for (const path of [making, cluster, passwordFile]) {
      chownSync(path, to.account.uid, to.account.gid);
    }
  }
  const logPath = join(to.folder, 'server.log');
  const log = openSync(logPath, 'a', 0o600);
  const initdb = spawnInFolder({
    folder: making,
    account: to.account,
    program: to.binaries.initdb,
    args: (folder) => [
      `--pgdata=${folder}/cluster`,
      `--pwfile=${folder}/password`,
      `--username=${SUPERUSER}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      ...(to.durable ? [] : ['--no-sync']),
    ],
    log,
  });
  closeSync(log);
  const code = await new Promise<number | null>((resolve, reject) => {
    initdb.once('exit', resolve);
    initdb.once('error', reject);
  });
  if (code !== 0) throw unavailable(`initdb ended with ${code}; see ${logPath}`);
  rmSync(to.data, { recursive: true, force: true });
  renameSync(cluster, to.data);
  rmSync(making, { recursive: true, force: true });
}
