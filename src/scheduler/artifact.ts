import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makingFolder, putInPlace } from '../cache/unfinished.ts';
import { toFileError } from '../errors.ts';

/** A finished file in the making: written beside, hashed on the way, synced, renamed. */
export interface ArtifactWriter {
  write(bytes: Uint8Array): Promise<void>;
  commit(): Promise<WrittenArtifact>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface WrittenArtifact {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Small writes are gathered up to this many bytes. */
const GATHER_BYTES = 1 << 20;

/**
 * @param relative relative to the home folder, below `files`
 * @throws DaybookError `E_NO_SPACE`, `E_IO`; from all it returns
 */
export function openArtifact(home: string, relative: string): ArtifactWriter {
  const path = join(home, relative);
  const folder = dirname(path);
  const making = join(home, makingFolder('files'));
  const temporary = join(making, `${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const hash = createHash('sha256');
  let handle: FileHandle | null = null;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let bytes = 0;

  async function naming<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toFileError(error, 'DAYBOOK_HOME/files');
    }
  }

  async function flush(): Promise<void> {
    if (handle === null) {
      await mkdir(making, { recursive: true, mode: 0o700 });
      handle = await open(temporary, 'wx', 0o600);
    }
    const data = gathered.length === 1 ? gathered[0] : Buffer.concat(gathered);
    gathered = [];
    gatheredBytes = 0;
    hash.update(data);
    let done = 0;
    while (done < data.length) {
      done += (await handle.write(data, done, data.length - done)).bytesWritten;
    }
    bytes += data.length;
  }

  return {
    async write(data) {
      gathered.push(data);
      gatheredBytes += data.length;
      if (gatheredBytes >= GATHER_BYTES) await naming(flush);
    },
    commit: () =>
      naming(async () => {
        await flush();
        const file = handle as unknown as FileHandle;
        await file.sync();
        await file.close();
        handle = null;
        await putInPlace(temporary, path);
        const parent = await open(folder, 'r');
        try {
          await parent.sync();
        } finally {
          await parent.close();
        }
        return { bytes, sha256: hash.digest('hex') };
      }),
    async abort() {
      await handle?.close().catch(() => {});
      handle = null;
      await rm(temporary, { force: true });
    },
  };
}
