import { createHash } from 'node:crypto';
import { readContent } from '../../delivery/read-file.ts';
import { awayNotGone, openStoredFile } from '../../delivery/stored-file.ts';
import { DaybookError, toDiskError } from '../../errors.ts';
import type { FileBlock } from '../../reports/stored-form.ts';
import type { FileRow } from '../../store/files.ts';

/**
 * Reads a sealed file through, and makes sure that it is what was sealed.
 * @param keepUpTo bytes that may be held in memory; a longer file is only checked
 * @returns its bytes; null: it is longer than that
 * @throws DaybookError `E_GONE` where the ledger says that it was removed; `E_NO_DISK` where it says
 *   that it stands, and it is not there or cannot be read: its disk may come back; `E_IO` when it has
 *   other bytes than were sealed
 */
export async function readSealed(
  of: {
    readonly home: string;
    readonly file: FileRow;
    readonly blocks: readonly FileBlock[] | null;
    readonly keepUpTo: number;
    /** By the ledger: its time is over. */
    readonly isRemoved: boolean;
  },
  signal: AbortSignal,
): Promise<Buffer | null> {
  const { home, file, blocks, isRemoved } = of;
  const where = `DAYBOOK_HOME/${file.path}`;
  const handle = await openStoredFile(home, file).catch((error) => {
    throw isRemoved ? error : awayNotGone(error, where);
  });
  try {
    const hash = createHash('sha256');
    const kept: Buffer | null = file.bytes <= of.keepUpTo ? Buffer.alloc(file.bytes) : null;
    let bytes = 0;
    const opened = { ...file, handle, blocks };
    if (file.bytes > 0) {
      for await (const chunk of readContent(opened, { first: 0, last: file.bytes - 1 })) {
        signal.throwIfAborted();
        hash.update(chunk);
        kept?.set(chunk, bytes);
        bytes += chunk.length;
      }
    }
    if (bytes === file.bytes && hash.digest('hex') === file.sha256) return kept;
    throw new DaybookError('E_IO', { where: file.path, reason: 'it is not what was sealed' });
  } catch (error) {
    throw toDiskError(error, where);
  } finally {
    await handle.close();
  }
}
