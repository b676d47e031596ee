import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, ownIdentity, readIdentity } from './embedded/process-identity.ts';

/** The `daybook up` that runs in a home folder, as `up.json` in it says. */
export interface RunningUp {
  readonly pid: number;
  readonly url: string;
}

/** Null: none runs there now, whatever an old record says. */
export function findRunningUp(home: string): RunningUp | null {
  try {
    const text = readFileSync(join(home, 'up.json'), 'utf8');
    const identity = readIdentity(text);
    const { url } = JSON.parse(text) as { url?: unknown };
    if (!identity || typeof url !== 'string' || !isAlive(identity)) return null;
    return { pid: identity.pid, url };
  } catch {
    return null;
  }
}

/** Says that this process runs `up` here. Call what it returns when it ends. */
export function noteRunningUp(home: string, url: string): () => void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const path = join(home, 'up.json');
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ ...ownIdentity(), url })}\n`, { mode: 0o600 });
  renameSync(temporary, path);
  return () => rmSync(path, { force: true });
}
