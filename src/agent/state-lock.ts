import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaybookError, toFileError } from '../errors.ts';

/** The longest path that a socket can have, on the systems that allow the least. */
const LONGEST_PATH = 100;

/**
 * Holds the folder of state for this process: two agents on one state would send by turns. It is a
 * socket that is listened on, so that it ends with the process however that ends.
 * @returns what lets it go
 * @throws DaybookError `E_CONFIG` when another agent holds it
 */
export async function lockState(folder: string): Promise<() => void> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toFileError(error, folder);
  }
  const path = socketPath(realpathSync(folder));
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.listen(path);
    try {
      await once(server, 'listening');
      return () => server.close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw toFileError(error, path);
    }
    if (await answers(path)) break;
    if (process.platform !== 'win32') rmSync(path, { force: true });
  }
  throw new DaybookError('E_CONFIG', { reason: `state: ${folder} is used by another agent` });
}

function socketPath(folder: string): string {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\daybook-agent-${name}`;
  const inside = join(folder, 'lock');
  return inside.length <= LONGEST_PATH ? inside : join(tmpdir(), `daybook-agent-${name}`);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
