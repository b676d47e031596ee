import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Account } from './account.ts';

/**
 * Starts a program that works in `folder`, in a session of its own, so that Ctrl-C on our terminal
 * does not reach it. `args` are made from the path by which the program shall name the folder: the
 * folder itself, or, for another account, an inherited file descriptor, so that no folder above it
 * need be open to that account.
 */
export function spawnInFolder(to: {
  readonly folder: string;
  readonly account: Account | null;
  readonly program: string;
  readonly args: (folder: string) => readonly string[];
  /** File descriptor that gets stdout and stderr. */
  readonly log: number;
}): ChildProcess {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  const { folder, account, program, args, log } = to;
  if (account === null) {
    return spawn(program, args(folder), {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      env,
    });
  }
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return spawn(program, args('/proc/self/fd/3'), {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log, fd],
      env,
      uid: account.uid,
      gid: account.gid,
    });
  } finally {
    closeSync(fd);
  }
}
