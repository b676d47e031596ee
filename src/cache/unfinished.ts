import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { access, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';

/**
 * Files in the making stand in a folder named after the process and thread that make them, on the
 * same file system as the finished ones, so that what a killed process has left can be told from
 * what is being made, and removed.
 */

/** Below the home folder; each holds folders named `<pid>-<thread>`. */
const FILES_MAKING = join('files', '.making');
const ROOTS = [join('parts', '.making'), FILES_MAKING, 'tmp'];
const OWNER = /^(\d+)-(\d+)$/;

/** Where this thread makes what will stand in `parts` or `files`; relative to the home folder. */
export function makingFolder(root: 'parts' | 'files'): string {
  return join(root, '.making', `${process.pid}-${threadId}`);
}

/** What lives no longer than its run; relative to the home folder. */
export function scratchFolder(name: string): string {
  return join('tmp', `${process.pid}-${threadId}`, name);
}

/**
 * Makes the folder of finished files where it is missing, when a process starts that may be the
 * first. Later nobody does: one that went, because its disk did, must not be replaced by an empty one.
 */
export function makeFilesFolder(home: string): void {
  mkdirSync(join(home, FILES_MAKING), { recursive: true, mode: 0o700 });
}

/** Makes a folder in one that is there; nothing where it is there itself. @throws what `mkdir` does */
export async function makeFolderIn(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/**
 * Renames what is finished. Its folder is made where it is missing, also when it goes meanwhile; but
 * not when the file is gone as well: then the disk is.
 */
export async function putInPlace(temporary: string, path: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await rename(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 3) throw error;
      await access(temporary);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    }
  }
}

/** Removes what processes have left that are no more. What cannot be removed is left for later. */
export function sweepUnfinished(home: string): void {
  sweep(home, (pid) => pid !== process.pid && !isRunning(pid));
}

/**
 * Removes what stands under this process's number: at its start the leavings of an earlier process
 * that had it, later those of threads that are not among `liveThreads` any more.
 */
export function sweepOwnUnfinished(home: string, liveThreads: readonly number[] = []): void {
  sweep(home, (pid, thread) => pid === process.pid && !liveThreads.includes(thread));
}

function sweep(home: string, isLeft: (pid: number, thread: number) => boolean): void {
  for (const root of ROOTS) {
    for (const name of namesIn(join(home, root))) {
      const owner = OWNER.exec(name);
      if (!owner || !isLeft(Number(owner[1]), Number(owner[2]))) continue;
      try {
        rmSync(join(home, root, name), { recursive: true, force: true });
      } catch {
        // A thread that is being ended may still write; the next sweep takes it.
      }
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
