import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaybookError } from '../../errors.ts';
import { isAlive, ownIdentity, readIdentity, writeIdentity } from './process-identity.ts';

/** One process at a time starts, adopts or stops the server of a home. */

const WAIT_MS = 120_000;
const POLL_MS = 50;
/** A lock file without a readable owner is being written, unless it is older than this. */
const UNREADABLE_STALE_MS = 10_000;

/**
 * Holds `<folder>/lock` while `work` runs. A lock whose holder has died is broken.
 * @throws DaybookError `E_UNAVAILABLE` when a living process keeps it for two minutes.
 */
export async function withHomeLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = join(folder, 'lock');
  const content = writeIdentity(ownIdentity());
  const deadline = performance.now() + WAIT_MS;
  while (!tryCreate(lock, content)) {
    if (isStale(lock)) {
      breakLock(lock);
    } else if (performance.now() > deadline) {
      throw new DaybookError('E_UNAVAILABLE', {
        what: 'the embedded Postgres',
        reason: `${lock} is held by process ${readOwner(lock)?.pid ?? 'unknown'}`,
      });
    } else {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryCreate(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removing a stale lock is itself done by one process at a time, who looks again: else a slow
 * second one would remove the lock that the first has taken meanwhile.
 */
function breakLock(lock: string): void {
  const breaking = `${lock}.breaking`;
  try {
    mkdirSync(breaking);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (ageMs(breaking) > UNREADABLE_STALE_MS) rmSync(breaking, { recursive: true, force: true });
    return;
  }
  try {
    if (isStale(lock)) rmSync(lock, { force: true });
  } finally {
    rmdirSync(breaking);
  }
}

function isStale(lock: string): boolean {
  const owner = readOwner(lock);
  return owner ? !isAlive(owner) : ageMs(lock) > UNREADABLE_STALE_MS;
}

function readOwner(lock: string) {
  try {
    return readIdentity(readFileSync(lock, 'utf8'));
  } catch {
    return null;
  }
}

/** 0 for what is not there. */
function ageMs(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? Date.now() - stat.mtimeMs : 0;
}
