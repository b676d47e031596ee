import { readFileSync } from 'node:fs';

/** A process, told apart from a later one that was given the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in the kernel's ticks since boot; null where there is no /proc. */
  readonly born: string | null;
}

/** The process that bears this id now; null: none, or only a zombie of one. */
export function identityOf(pid: number): ProcessIdentity | null {
  const stat = statOf(pid);
  if (stat) return stat.state === 'Z' || stat.state === 'X' ? null : { pid, born: stat.born };
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return null;
  }
  return { pid, born: null };
}

export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  if (!now) return false;
  return now.born === null || identity.born === null || now.born === identity.born;
}

/** The short name of a process's program; null where there is no /proc. */
export function programOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Text that {@link readIdentity} reads back. */
export function writeIdentity(identity: ProcessIdentity): string {
  return JSON.stringify({ pid: identity.pid, born: identity.born });
}

/** Null for text that is cut off or something else. */
export function readIdentity(text: string): ProcessIdentity | null {
  try {
    const { pid, born } = JSON.parse(text) as Partial<ProcessIdentity>;
    if (!Number.isSafeInteger(pid) || (pid as number) < 1) return null;
    return { pid: pid as number, born: typeof born === 'string' ? born : null };
  } catch {
    return null;
  }
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return identityOf(process.pid) ?? { pid: process.pid, born: null };
}

function statOf(pid: number): { state: string; born: string } | null {
  try {
    // The name stands in brackets and may hold any character: fields are counted from its end.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], born: fields[19] };
  } catch {
    return null;
  }
}
