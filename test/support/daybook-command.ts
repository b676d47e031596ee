import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The built command as a process of its own, as people run it. */

export const DAYBOOK = fileURLToPath(new URL('../../bin/daybook.js', import.meta.url));

export type Environment = Readonly<Record<string, string>>;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs to the end, with nothing in the environment but `PATH` and what is given. */
export async function daybook(
  environment: Environment,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [DAYBOOK, ...args], {
    ...options,
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

/** As {@link daybook}. @throws Error with what stood on stderr, unless it ended with 0 */
export async function daybookDone(environment: Environment, ...args: string[]): Promise<string> {
  const { code, out, err } = await daybook(environment, args);
  if (code !== 0) throw new Error(`daybook ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}

export interface RunningUp {
  readonly url: string;
  /** All that `up` printed until it was ready. */
  readonly welcome: string;
  /** Asks it to drain, and waits for its end. */
  stop(): Promise<number | null>;
}

/** `daybook up` on a free port, ready to answer. @throws Error when it ends before it is ready */
export async function startUp(
  environment: Environment,
  args: readonly string[] = [],
): Promise<RunningUp> {
  const child = spawn(process.execPath, [DAYBOOK, 'up', '--port', '0', ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    err += piece;
  });
  let welcome = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    welcome += piece;
  });
  const url = () => /^Daybook is up at (\S+)[\s\S]*\n\n$/m.exec(welcome)?.[1];
  while (!url()) {
    const early = await Promise.race([once(child.stdout, 'data'), ended.then(() => null)]);
    if (early === null) throw new Error(`daybook up ended before it was ready: ${err}`);
  }
  return {
    url: url()!,
    welcome,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
