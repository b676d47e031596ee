import { accessSync, constants, mkdirSync } from 'node:fs';
import { makeFilesFolder } from '../cache/unfinished.ts';
import { toFileError } from '../errors.ts';

/**
 * Makes the home folder and that of finished files where they are missing, and sees that files can be
 * made in it.
 * @throws DaybookError `E_IO` naming it; Node's own word for a folder on a read-only disk is that
 * it is not there
 */
export function demandHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    accessSync(home, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw toFileError(error, `DAYBOOK_HOME ${home}`);
  }
  try {
    makeFilesFolder(home);
  } catch {
    // A disk of its own that is away: what needs it says so, and waits for it.
  }
}
