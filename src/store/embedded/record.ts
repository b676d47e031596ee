import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownPlace } from './other-place.ts';
import {
  isAlive,
  ownIdentity,
  type ProcessIdentity,
  readIdentity,
  writeIdentity,
} from './process-identity.ts';

/** What a home says about its server: `server.json`, and who uses it: `users/`. */

export interface ServerRecord {
  readonly identity: ProcessIdentity;
  readonly port: number;
  /** See `ownPlace`. */
  readonly place: string;
}

/** `<folder>/server.json`: pid, port, started; of the last server that answered. */
export function writeRecord(folder: string, record: Omit<ServerRecord, 'place'>): void {
  const path = join(folder, 'server.json');
  const { pid, born } = record.identity;
  const text = JSON.stringify({
    pid,
    port: record.port,
    started: new Date().toISOString(),
    born,
    place: ownPlace(),
  });
  writeFileSync(`${path}.${process.pid}`, `${text}\n`, { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}

export function removeRecord(folder: string): void {
  rmSync(join(folder, 'server.json'), { force: true });
}

/** Null: none, or one that is damaged. It may be stale. */
export function readRecord(folder: string): ServerRecord | null {
  try {
    const text = readFileSync(join(folder, 'server.json'), 'utf8');
    const identity = readIdentity(text);
    const { port, place } = JSON.parse(text) as { port?: unknown; place?: unknown };
    if (!identity || !Number.isSafeInteger(port) || typeof place !== 'string') return null;
    return { identity, port: port as number, place };
  } catch {
    return null;
  }
}

/** What the server itself notes in `postmaster.pid` (pid in line 1, port in line 4). */
export function readPostmasterPid(data: string): { pid: number; port: number | null } | null {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    const port = Number(lines[3]);
    return pid > 0 ? { pid, port: port > 0 ? port : null } : null;
  } catch {
    return null;
  }
}

/** Notes that this process uses the server; the path is for {@link removeUser}. */
export function addUser(folder: string): string {
  mkdirSync(join(folder, 'users'), { recursive: true, mode: 0o700 });
  const path = join(folder, 'users', `${process.pid}-${randomBytes(4).toString('hex')}`);
  writeFileSync(path, writeIdentity(ownIdentity()), { mode: 0o600 });
  return path;
}

export function removeUser(path: string): void {
  rmSync(path, { force: true });
}

/** Whether any living process uses the server; forgets the dead. Call it under the home's lock. */
export function hasUsers(folder: string): boolean {
  let living = false;
  for (const name of readdirSync(join(folder, 'users'))) {
    const path = join(folder, 'users', name);
    const identity = readIdentity(readFileSync(path, 'utf8'));
    if (identity && isAlive(identity)) living = true;
    else rmSync(path, { force: true });
  }
  return living;
}
