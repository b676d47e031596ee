import { createHash } from 'node:crypto';
import { readContent } from '../delivery/read-file.ts';
import { openStoredFile } from '../delivery/stored-file.ts';
import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Database } from '../store/database.ts';
import { enterHash, type FileRow, findBlocksOfFile, findUnhashedFiles } from '../store/files.ts';
import { repeat } from './repeat.ts';

/**
 * Reads finished files through, one at a time, and enters the SHA-256 of what people get. It comes
 * after the file, since who waits for a file does not wait for its hash; every byte is checked
 * against the file's blocks on the way.
 */
export interface FileHasher {
  /** Looks for files now. */
  wake(): void;
  /** Breaks off a file that is being read; it is found again. */
  stop(): Promise<void>;
}

export interface HashDeps {
  readonly database: Database;
  readonly home: string;
  readonly log: Logger;
}

/** For files whose maker ended before it could wake anybody. */
const EVERY_MS = 30_000;
const LONGEST_MS = 600_000;
const AT_ONCE = 20;

export function startHashing(deps: HashDeps): FileHasher {
  /** That could not be read; they are left until the process is another. */
  const unreadable = new Set<string>();
  return repeat({
    name: 'hashing files',
    pauseMs: EVERY_MS,
    longestMs: LONGEST_MS,
    log: deps.log,
    work: (signal) => hashFiles(deps, unreadable, signal),
  });
}

/** All files that have none, but for those in `unreadable`, which it adds to. */
export async function hashFiles(
  deps: HashDeps,
  unreadable: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const { database, home, log } = deps;
  for (;;) {
    const limit = AT_ONCE + unreadable.size;
    const found = await database.asSystem((tx) => findUnhashedFiles(tx, limit));
    const files = found.filter(({ id }) => !unreadable.has(id));
    if (files.length === 0) return;
    for (const file of files) {
      signal.throwIfAborted();
      try {
        const sha256 = await hashOf(home, file, database, signal);
        await database.asTenant(file.tenantId, (tx) => enterHash(tx, file.id, sha256));
      } catch (error) {
        signal.throwIfAborted();
        unreadable.add(file.id);
        log.warn({ file: file.path, error: toDaybookError(error).message }, 'a file has no hash');
      }
    }
  }
}

async function hashOf(
  home: string,
  file: FileRow,
  database: Database,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await openStoredFile(home, file);
  try {
    const blocks = await database.asTenant(file.tenantId, (tx) => findBlocksOfFile(tx, file.id));
    const whole = { first: 0, last: file.bytes - 1 };
    const opened = { ...file, handle, blocks };
    for await (const chunk of file.bytes > 0 ? readContent(opened, whole) : []) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
