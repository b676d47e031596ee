import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** The built command as processes of its own, and what they leave behind. */

export const DAYBOOK = fileURLToPath(new URL('../../../bin/daybook.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  out(): string;
  err(): string;
  /** To the whole group, as a terminal's Ctrl-C. */
  signalGroup(name: NodeJS.Signals): void;
}

const running = new Set<Running>();

/** Starts `daybook`, in a process group of its own. */
export function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  options: { prefix?: readonly string[] } = {},
): Running {
  const [program, ...rest] = [...(options.prefix ?? []), process.execPath, DAYBOOK, ...args];
  const child = spawn(program, rest, {
    env: { PATH: process.env.PATH, TZ: 'UTC', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(started);
      resolve({ code, signal, out, err });
    });
  });
  const started: Running = {
    child,
    pid: child.pid as number,
    ended,
    out: () => out,
    err: () => err,
    signalGroup: (name) => void process.kill(-(child.pid as number), name),
  };
  running.add(started);
  return started;
}

/** Runs `daybook` to its end, with nothing on its standard input. */
export function daybook(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ended> {
  const started = start(args, environment);
  started.child.stdin?.end();
  return started.ended;
}

afterAll(async () => {
  // Only what a failed test has left.
  for (const left of [...running]) {
    try {
      left.signalGroup('SIGKILL');
    } catch {
      // It went by itself.
    }
    await left.ended;
  }
});

/** Asks until the answer is not null. For what tells nobody that it happened. */
export async function until<T>(
  ask: () => Promise<T | null> | T | null,
  what: string,
  withinMs = 25_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) throw new Error(`it never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Every file below a folder, relative, sorted; the embedded server's folder left out. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !name.startsWith('postgres/'))
    .sort();
}

/** Files in the making that nobody makes any more. */
export function unfinished(folder: string): string[] {
  return filesBelow(folder).filter((name) => /\.(tmp|part)$/.test(name) || name.startsWith('tmp/'));
}

export interface Child {
  readonly pid: number;
  readonly role: string;
}

/** Processes that a primary has forked, with their roles. */
export function childrenOf(pid: number): Child[] {
  const children: Child[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) !== pid) continue;
      const environment = readFileSync(`/proc/${entry}/environ`, 'utf8');
      const role = /(?:^|\0)DAYBOOK_ROLE=(\w+)/.exec(environment)?.[1] ?? 'postgres';
      children.push({ pid: Number(entry), role });
    } catch {
      // It ended while we looked.
    }
  }
  return children;
}

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}
