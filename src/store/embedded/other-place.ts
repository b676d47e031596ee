import { readlinkSync, statSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { unavailable } from './account.ts';

/**
 * Process ids mean nothing in another container or on another machine that shares our home as a
 * volume, and two servers on the same data would ruin it. So who uses a server renews the time of
 * `server.json`, which also says where that server runs.
 */

const RENEW_MS = 5_000;
const STALE_MS = 20_000;
const POLL_MS = 100;

/** This machine and its space of process ids. */
export function ownPlace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Call what it returns to end it. */
export function keepRenewing(folder: string): () => void {
  const timer = setInterval(() => {
    try {
      const now = new Date();
      utimesSync(join(folder, 'server.json'), now, now);
    } catch {
      // The record is gone while the server is brought back.
    }
  }, RENEW_MS).unref();
  return () => clearInterval(timer);
}

/**
 * Waits up to 20 s to see whether a server that was noted at `place`, not here, still has users.
 * @throws DaybookError `E_UNAVAILABLE` when it has
 */
export async function refuseServerOf(place: string, folder: string): Promise<void> {
  const renewedAt = () =>
    statSync(join(folder, 'server.json'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const first = renewedAt();
  while (Date.now() - first < STALE_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const now = renewedAt();
    if (now === 0) return;
    if (now === first) continue;
    throw unavailable(
      `${folder} is in use by a server on ${place.split(' ')[0]}, another machine or container; ` +
        'run this there, or use DATABASE_URL',
    );
  }
}
