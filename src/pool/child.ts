import type { Worker } from 'node:cluster';

/** What the primary does with a child process, whatever its role. */

const DRAIN_AGAIN_MS = 100;

/** Sends to a child that may be dying: a message that does not arrive is not missed, its end is. */
export function sendToChild(worker: Worker, message: { readonly kind: string }): void {
  // Without a callback a broken pipe is an 'error' event, which nobody hears, and which ends us.
  if (worker.isConnected()) worker.send(message, () => {});
}

/**
 * Lets a child finish and waits until it is gone, or kills it.
 * @param graceMs how long it may take to finish; 0 kills at once
 */
export async function endChild(worker: Worker, graceMs: number): Promise<void> {
  if (worker.isDead()) return;
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const kill = () => worker.process.kill('SIGKILL');
  if (graceMs === 0 || !worker.isConnected()) kill();
  const drain = () => sendToChild(worker, { kind: 'drain' });
  drain();
  // Once more and again: what comes while the child is still loading its code is heard by nobody.
  const again = setInterval(drain, DRAIN_AGAIN_MS);
  const timer = setTimeout(kill, graceMs);
  await gone;
  clearInterval(again);
  clearTimeout(timer);
}
