import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../../src/store/embedded-postgres.ts';
import { ask, freshHome, UNSAFE_AND_FAST } from '../../support/embedded.ts';

/** A clock that processes have instead of the machine's, by libfaketime, and that can be set. */
export interface FakedClock {
  /** For the environment of a process that is to have it. Its monotonic clock stays the machine's. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it shows, UTC epoch ms. */
  now(): number;
  /** Sets it ahead, or back, for all who have it, from one moment to the next. */
  jump(ms: number): void;
  close(): void;
}

/** @throws Error when Debian's package `faketime` is not there */
export function openFakedClock(): FakedClock {
  // Postgres under another account reads it too.
  const folder = mkdtempSync(join(tmpdir(), 'daybook-clock-'));
  chmodSync(folder, 0o755);
  const file = join(folder, 'offset');
  let offsetMs = 0;
  const write = () => {
    writeFileSync(`${file}.new`, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1000}\n`);
    renameSync(`${file}.new`, file);
  };
  write();
  return {
    environment: {
      LD_PRELOAD: faketimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    now: () => Date.now() + offsetMs,
    jump(ms) {
      offsetMs += Math.round(ms / 1000) * 1000;
      write();
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function faketimeLibrary(): string {
  for (const name of readdirSync('/usr/lib')) {
    const path = join('/usr/lib', name, 'faketime', 'libfaketimeMT.so.1');
    if (existsSync(path)) return path;
  }
  throw new Error('no libfaketimeMT.so.1: apt-get install faketime');
}

/**
 * The embedded server with that clock: started as it always is, looked at how, and started so again,
 * since its own start gives it a clean environment. Must be stopped.
 */
export async function startFakedPostgres(
  clock: FakedClock,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const home = freshHome();
  const first = await startEmbeddedPostgres({ home, settings: UNSAFE_AND_FAST });
  const [program, ...args] = readFileSync(`/proc/${first.pid}/cmdline`, 'utf8')
    .split('\0')
    .slice(0, -1);
  const { uid, gid } = statSync(`/proc/${first.pid}`);
  await first.stop();
  const data = openSync(join(home, 'postgres', 'data'), constants.O_RDONLY | constants.O_DIRECTORY);
  const child = spawn(program, args, {
    ...{ cwd: '/', uid, gid },
    stdio: ['ignore', 'ignore', 'ignore', data],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...clock.environment },
  });
  closeSync(data);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const deadline = performance.now() + 30_000;
  for (;;) {
    const answer = await ask(first.url, 'select 1').catch(() => null);
    if (answer) break;
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error('Postgres does not start under libfaketime');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url: first.url,
    async stop() {
      child.kill('SIGINT');
      await ended;
    },
  };
}
