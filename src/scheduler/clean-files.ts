import { removeFile } from '../cache/home-files.ts';
import type { Logger } from '../log.ts';
import type { Database } from '../store/database.ts';
import { claimExpiredFiles, markFileRemoved } from '../store/files.ts';

/** Removes finished files whose time has come; their rows stay, and say so. */

const BATCH_FILES = 100;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * A file leaves the disk first and is marked then: after a crash in between it is expired still, and
 * the next pass marks it. A download that has begun goes on.
 * @param now UTC epoch ms
 */
export async function expireFiles(
  now: number,
  deps: { readonly database: Database; readonly home: string; readonly log: Logger },
  signal: AbortSignal,
): Promise<number> {
  let expired = 0;
  let after = BEFORE_ALL;
  for (;;) {
    signal.throwIfAborted();
    const batch = await deps.database.asSystem(async (tx) => {
      const files = await claimExpiredFiles(tx, { now, after, limit: BATCH_FILES });
      for (const { id, path } of files) {
        try {
          await removeFile(deps.home, 'files', path);
          await markFileRemoved(tx, id);
          expired += 1;
        } catch (error) {
          // Left for the next pass; the others go on.
          const reason = (error as Error).message;
          deps.log.warn({ file: id, reason }, 'an expired file could not be removed');
        }
      }
      return files;
    });
    const last = batch.at(-1);
    if (!last || batch.length < BATCH_FILES) return expired;
    after = last.id;
  }
}
