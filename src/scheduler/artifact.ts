import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolderIn, makingFolder, putInPlace } from '../cache/unfinished.ts';
import { toDiskError } from '../errors.ts';
import type { Coding, FileBlock } from '../reports/stored-form.ts';
import { createBlockIndex } from './block-index.ts';

/**
 * A finished file in the making: written beside, synced, renamed. Its bytes may be read from
 * `temporary` while they come; they are never taken back, only all given up.
 */
export interface ArtifactWriter {
  /** Resolves when it is done with the bytes, and wants more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Of a coded file: what was written since the last cut inflates alone, to `rawBytes`. */
  cut(rawBytes: number): void;
  commit(): Promise<WrittenArtifact>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface WrittenArtifact {
  /** Of the file as people get it. */
  readonly bytes: number;
  readonly coding: Coding;
  readonly storedBytes: number;
  readonly blocks: readonly FileBlock[];
}

export interface ArtifactTarget {
  readonly home: string;
  /** Relative to the home folder, below `files`. */
  readonly path: string;
  readonly coding: Coding;
  /**
   * Hears how many bytes stand in the file, where it stands while it is made, relative to the home
   * folder, and whether it is whole: then it only has to be made to last.
   */
  readonly onBytes: (storedBytes: number, temporary: string, isWhole: boolean) => void;
}

/** So many bytes are gathered, and written at once. */
const GATHER_BYTES = 1 << 20;
/** And for so long: who reads along does not wait for a day that is still being made. */
const GATHER_MS = 100;
/** So much is handed to the disk while more is made, so that the sync at the end is short. */
const SYNC_BYTES = 8 << 20;

/** @throws DaybookError `E_NO_SPACE`, `E_NO_DISK`, `E_IO`; from all it returns */
export function openArtifact({ home, path, coding, onBytes }: ArtifactTarget): ArtifactWriter {
  const folder = dirname(join(home, path));
  const making = makingFolder('files');
  const temporary = join(making, `${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const index = createBlockIndex(coding);
  let handle: FileHandle | null = null;
  /** One is filled while the other is written; each waits until it is free. */
  const buffers: Buffer[] = [];
  const free: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
  let turn = 0;
  let filled = 0;
  let storedBytes = 0;
  let syncedBytes = 0;
  let flushing: Promise<void> = Promise.resolve();
  let lingering: NodeJS.Timeout | null = null;
  let syncing: Promise<unknown> | null = null;

  async function openTemporary(): Promise<FileHandle> {
    await makeFolderIn(join(home, making));
    await makeFolderIn(folder);
    return open(join(home, temporary), 'wx', 0o600);
  }

  /** Writes what is gathered, behind what is being written, and goes on with the other buffer. */
  function flush(): Promise<void> {
    if (lingering) clearTimeout(lingering);
    lingering = null;
    if (filled === 0) return flushing;
    const data = buffers[turn].subarray(0, filled);
    flushing = flushing.then(() => put(data));
    // It may fail while something else is awaited.
    flushing.catch(() => {});
    free[turn] = flushing;
    turn = 1 - turn;
    filled = 0;
    return flushing;
  }

  async function gather(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; ) {
      await free[turn];
      buffers[turn] ??= Buffer.allocUnsafeSlow(GATHER_BYTES);
      const part = data.subarray(at, at + GATHER_BYTES - filled);
      buffers[turn].set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === GATHER_BYTES) flush();
      else lingering ??= setTimeout(flush, GATHER_MS);
    }
  }

  async function put(data: Uint8Array): Promise<void> {
    handle ??= await openTemporary();
    storedBytes += await writeAll(handle, data);
    if (storedBytes - syncedBytes >= SYNC_BYTES && syncing === null) {
      syncedBytes = storedBytes;
      syncing = handle.datasync().then(() => {
        syncing = null;
      });
      // A failure stays for the end: the system tells of it only once.
      syncing.catch(() => {});
    }
    onBytes(storedBytes, temporary, false);
  }

  return {
    write: (data) =>
      naming(async () => {
        index.add(data);
        await gather(data);
      }),
    cut: (rawBytes) => index.cut(rawBytes),
    commit: () =>
      naming(async () => {
        await flush();
        handle ??= await openTemporary();
        const file = handle;
        onBytes(storedBytes, temporary, true);
        const blocks = index.end();
        await Promise.all([file.sync(), syncing]);
        await file.close();
        handle = null;
        await putInPlace(join(home, temporary), join(home, path));
        await syncFolder(folder);
        const bytes = blocks.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
        return { bytes, coding, storedBytes, blocks };
      }),
    async abort() {
      if (lingering) clearTimeout(lingering);
      await Promise.allSettled([flushing, syncing]);
      await handle?.close().catch(() => {});
      handle = null;
      await rm(join(home, temporary), { force: true });
    },
  };
}

/** @returns how many bytes there were */
async function writeAll(file: FileHandle, data: Uint8Array): Promise<number> {
  for (let done = 0; done < data.length; ) {
    done += (await file.write(data, done)).bytesWritten;
  }
  return data.length;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function naming<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDiskError(error, 'DAYBOOK_HOME/files');
  }
}
