import { existsSync, readFileSync } from 'node:fs';
import { DaybookError } from '../../errors.ts';

/** Who runs the server when we are root: Postgres refuses root itself. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Null: we are not root, the server runs as ourselves.
 * @throws DaybookError `E_UNAVAILABLE` when we are root and there is no account to use.
 */
export function unprivilegedAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  if (!existsSync('/proc/self/fd')) {
    throw unavailable('as root it needs /proc; start Daybook as an ordinary user');
  }
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['daybook', 'postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw unavailable('it does not run as root, and there is no user daybook, postgres or nobody');
}

/** An `E_UNAVAILABLE` about the embedded server. */
export function unavailable(reason: string, cause?: unknown): DaybookError {
  const details = { what: 'the embedded Postgres', reason };
  return new DaybookError('E_UNAVAILABLE', details, cause);
}
