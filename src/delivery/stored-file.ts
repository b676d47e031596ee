import { type FileHandle, open, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { DaybookError, toDiskError } from '../errors.ts';
import type { FileRow } from '../store/files.ts';

/** A file as the ledger knows it. */
export type StoredFile = Pick<FileRow, 'name' | 'path' | 'coding' | 'bytes' | 'storedBytes'>;

/**
 * Opens what the ledger names, and only as the ledger knows it: inside `home`, with the length
 * that was entered. Must be closed.
 * @throws DaybookError `E_GONE` when it is not on disk, `E_IO` when it is not what was entered.
 */
export async function openStoredFile(home: string, file: StoredFile): Promise<FileHandle> {
  const handle = await openInside(home, file.path).catch((error) => {
    throw error instanceof DaybookError ? error : goneIfMissing(file, error);
  });
  try {
    const { size } = await handle.stat();
    if (size === file.storedBytes) return handle;
    throw new DaybookError('E_IO', {
      where: file.path,
      reason: `it has ${size} bytes, the ledger says ${file.storedBytes}`,
    });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens a file for reading, unless its path leads out of the home folder. Must be closed. */
export async function openInside(home: string, relative: string): Promise<FileHandle> {
  const path = await realpath(resolve(home, relative));
  if (path.startsWith((await realpath(home)) + sep)) return open(path, 'r');
  throw new DaybookError('E_IO', { where: relative, reason: 'it leads out of the home folder' });
}

function goneIfMissing(file: StoredFile, error: NodeJS.ErrnoException): DaybookError {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return gone(file, 'it is not on disk');
  return new DaybookError('E_IO', { where: file.path, reason: error.message }, error);
}

/**
 * What {@link openStoredFile}, or reading, has thrown of a file that has to be there, as one that may
 * pass: it is missed with its disk, as far as one can tell.
 * @returns `E_NO_DISK` naming `where`; `E_IO` and `E_NO_SPACE` of {@link toDiskError}; all else as it is
 */
export function awayNotGone(thrown: unknown, where: string): unknown {
  if (!(thrown instanceof DaybookError)) return toDiskError(thrown, where);
  if (thrown.code !== 'E_GONE')
    return thrown.cause === undefined ? thrown : toDiskError(thrown.cause, where);
  return new DaybookError('E_NO_DISK', { where, reason: 'it is not there' }, thrown);
}

export function gone(file: Pick<FileRow, 'name'>, reason: string): DaybookError {
  return new DaybookError('E_GONE', { what: 'file', got: file.name, reason });
}
