import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toFileError } from '../errors.ts';

/**
 * Writes a file beside its place, syncs it, renames it and syncs the folder: after a power cut there
 * is the old file or the new one, whole.
 * @throws DaybookError `E_NO_SPACE`, `E_IO`
 */
export async function writeDurably(path: string, pieces: readonly Buffer[]): Promise<void> {
  const beside = `${path}.new`;
  try {
    const file = await open(beside, 'w', 0o600);
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw toFileError(error, path);
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders; its renames are in the journal.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
