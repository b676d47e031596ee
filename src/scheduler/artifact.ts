import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makingFolder, putInPlace } from '../cache/unfinished.ts';
import { toFileError } from '../errors.ts';
import type { Coding, FileBlock } from '../reports/stored-form.ts';
import { createBlockIndex } from './block-index.ts';

/**
 * A finished file in the making: written beside, synced, renamed. Its bytes may be read from
 * `temporary` while they come; they are never taken back, only all given up.
 */
export interface ArtifactWriter {
  /** Resolves when it wants more, and is done with the bytes. */
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

/** Small writes are gathered up to this many bytes. */
const GATHER_BYTES = 1 << 20;
/** And for so long: who reads along does not wait for a day that is still being made. */
const GATHER_MS = 100;
/** So much is handed to the disk while more is made, so that the sync at the end is short. */
const SYNC_BYTES = 8 << 20;

/** @throws DaybookError `E_NO_SPACE`, `E_IO`; from all it returns */
export function openArtifact({ home, path, coding, onBytes }: ArtifactTarget): ArtifactWriter {
  const folder = dirname(join(home, path));
  const making = makingFolder('files');
  const temporary = join(making, `${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const index = createBlockIndex(coding);
  let handle: FileHandle | null = null;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let storedBytes = 0;
  let syncedBytes = 0;
  let flushing: Promise<void> = Promise.resolve();
  let lingering: NodeJS.Timeout | null = null;
  let syncing: Promise<unknown> | null = null;

  async function openTemporary(): Promise<FileHandle> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(join(home, making), { recursive: true, mode: 0o700 });
    return open(join(home, temporary), 'wx', 0o600);
  }

  /** Writes what is gathered, behind what is being written. */
  function flush(): Promise<void> {
    const data = gathered;
    gathered = [];
    gatheredBytes = 0;
    if (lingering) clearTimeout(lingering);
    lingering = null;
    flushing = flushing.then(() => put(data));
    // It may fail while something else is awaited.
    flushing.catch(() => {});
    return flushing;
  }

  async function put(data: readonly Uint8Array[]): Promise<void> {
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
        gatheredBytes += data.length;
        const isEnough = gatheredBytes >= GATHER_BYTES;
        gathered.push(isEnough ? data : Uint8Array.from(data));
        const writing = isEnough ? flush() : null;
        if (!isEnough) lingering ??= setTimeout(() => void flush().catch(() => {}), GATHER_MS);
        index.add(data);
        await writing;
      }),
    cut: (rawBytes) => index.cut(rawBytes),
    commit: () =>
      naming(async () => {
        await flush();
        const file = handle as unknown as FileHandle;
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
async function writeAll(file: FileHandle, data: readonly Uint8Array[]): Promise<number> {
  const total = data.reduce((sum, { length }) => sum + length, 0);
  let rest = data;
  for (let done = 0; done < total; ) {
    let { bytesWritten } = await file.writev([...rest]);
    done += bytesWritten;
    rest = rest.flatMap((bytes) => {
      const written = Math.min(bytesWritten, bytes.length);
      bytesWritten -= written;
      return written < bytes.length ? [bytes.subarray(written)] : [];
    });
  }
  return total;
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
    throw toFileError(error, 'DAYBOOK_HOME/files');
  }
}
