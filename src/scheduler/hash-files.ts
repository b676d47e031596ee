import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { readContent } from '../delivery/read-file.ts';
import { awayNotGone, openStoredFile, type StoredFile } from '../delivery/stored-file.ts';
import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { FileBlock } from '../reports/stored-form.ts';
import type { Database } from '../store/database.ts';
import { enterHash, findBlocksOfFile, findUnhashedFiles } from '../store/files.ts';
import { repeat } from './repeat.ts';

/**
 * Reads finished files through, one at a time, and enters the SHA-256 of what people get. It comes
 * after the file, since who waits for a file does not wait for its hash; every byte is checked
 * against the file's blocks on the way.
 */
export interface FileHasher {
  /** Files are there. They are looked for a second after the last such word, when nothing is made. */
  wake(): void;
  /** Breaks off a file that is being read; it is found again. */
  stop(): Promise<void>;
}

export interface HashDeps {
  readonly database: Database;
  readonly home: string;
  readonly log: Logger;
  /** False: files are being made, and somebody waits for them. */
  readonly isIdle: () => boolean;
}

/** Reading competes with making: who waits for a file has precedence. */
const QUIET_MS = 1_000;
/** A file that is being read is left for so long at a time while others are made. */
const GIVE_WAY_MS = 200;
/** A file as old as this gives way no longer, however busy it is. */
const OVERDUE_MS = 300_000;
/** For files whose maker ended before it could wake anybody. */
const EVERY_MS = 30_000;
const LONGEST_MS = 600_000;
const AT_ONCE = 20;

export function startHashing(deps: HashDeps): FileHasher {
  /** That could not be read; they are left until the process is another. */
  const unreadable = new Set<string>();
  const passes = repeat({
    name: 'hashing files',
    pauseMs: EVERY_MS,
    longestMs: LONGEST_MS,
    log: deps.log,
    work: (signal) => hashFiles(deps, unreadable, signal),
  });
  let timer: NodeJS.Timeout | undefined;
  function wake(): void {
    clearTimeout(timer);
    timer = setTimeout(() => (deps.isIdle() ? passes.wake() : wake()), QUIET_MS);
  }
  return {
    wake,
    stop() {
      clearTimeout(timer);
      return passes.stop();
    },
  };
}

/**
 * All files that have none, but for those in `unreadable`, which it adds to.
 * @throws DaybookError of the database: the pass is tried again
 */
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
      const { id, tenantId, path } = file;
      const giveWay = () => untilQuiet(deps, file.createdAt + OVERDUE_MS, signal);
      await giveWay();
      const blocks = await database.asTenant(tenantId, (tx) => findBlocksOfFile(tx, id));
      const sha256 = await hashOfFile(home, { ...file, blocks }, giveWay).catch(
        (error: unknown) => {
          signal.throwIfAborted();
          unreadable.add(id);
          const { code, message } = toDaybookError(error);
          // What is not there was removed by whoever keeps the disk; it is told to who asks for it.
          const level = code === 'E_GONE' ? 'debug' : 'warn';
          log[level]({ file: path, error: message }, 'a file has no hash');
          return null;
        },
      );
      if (sha256 !== null) {
        await database.asTenant(tenantId, (tx) => enterHash(tx, id, sha256));
      }
    }
  }
}

/** Resolves when nothing is made, or at `until` (UTC epoch ms). @throws the signal's reason */
async function untilQuiet({ isIdle }: HashDeps, until: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  while (!isIdle() && Date.now() < until) await delay(GIVE_WAY_MS, undefined, { signal });
}

/**
 * The SHA-256 of a file as people get it, hex, read from the disk.
 * @param giveWay is awaited before each chunk; what it throws ends the reading
 * @throws DaybookError `E_GONE`, `E_IO` when it is not what was made
 */
export async function hashOfFile(
  home: string,
  file: StoredFile & { readonly blocks: readonly FileBlock[] | null },
  giveWay: () => Promise<void> | void,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await openStoredFile(home, file);
  try {
    const whole = { first: 0, last: file.bytes - 1 };
    const opened = { ...file, handle };
    for await (const chunk of file.bytes > 0 ? readContent(opened, whole) : []) {
      await giveWay();
      hash.update(chunk);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/**
 * As {@link hashOfFile}, of one that was made just now and that no ledger knows yet.
 * @throws DaybookError `E_NO_DISK` where it is there no more or cannot be read: its disk may come
 *   back; `E_IO` when it is not what was made
 */
export function hashOfNewFile(...[home, file, giveWay]: Parameters<typeof hashOfFile>) {
  return hashOfFile(home, file, giveWay).catch((error: unknown) => {
    throw awayNotGone(error, `DAYBOOK_HOME/${file.path}`);
  });
}
