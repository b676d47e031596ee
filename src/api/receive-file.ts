import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolderIn, makingFolder, putInPlace } from '../cache/unfinished.ts';
import { DaybookError, toDiskError } from '../errors.ts';

/** A file that comes as a body: kept as it comes, before anybody looks into it. */

export interface ReceivedFile {
  readonly id: string;
  /** Relative to the home folder. */
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** For who does not enter it after all. */
  remove(): Promise<void>;
}

/**
 * Writes the body beside, makes it last and puts it in its place below the tenant's files. Nothing
 * stays of one that breaks off or is refused.
 * @throws DaybookError `E_TOO_LARGE`, `E_INVALID` for an empty one, `E_NO_SPACE`, `E_IO`; the reason
 *   of the signal; `E_NO_DISK`
 */
export async function receiveFile(
  body: AsyncIterable<Buffer>,
  to: { readonly home: string; readonly tenantId: string; readonly mostBytes: number },
  signal: AbortSignal,
): Promise<ReceivedFile> {
  const id = randomUUID();
  const path = join('files', to.tenantId, `${id}.carrier`);
  const making = join(to.home, makingFolder('files'));
  const temporary = join(making, `${id}.carrier.tmp`);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    await makeFolderIn(making);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      for await (const piece of body) {
        signal.throwIfAborted();
        bytes += piece.length;
        if (bytes > to.mostBytes) {
          const expected = `${to.mostBytes} bytes`;
          throw new DaybookError('E_TOO_LARGE', { where: 'body', got: 'more', expected });
        }
        hash.update(piece);
        await handle.writeFile(piece);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (bytes === 0) {
      throw new DaybookError('E_INVALID', { where: 'body', got: 'nothing', expected: 'a file' });
    }
    await putInPlace(temporary, join(to.home, path));
    await syncFolder(join(to.home, 'files', to.tenantId));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw toDiskError(error, 'DAYBOOK_HOME/files');
  }
  return {
    ...{ id, path, bytes, sha256: hash.digest('hex') },
    remove: () => rm(join(to.home, path), { force: true }),
  };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
