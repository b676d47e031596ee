import type { ClientMessage, ComputeMessage } from '../pool/messages.ts';

/** Once the primary says so: finishes, at most once, and ends the process. */
export function onDrain(finish: () => Promise<unknown>): void {
  let draining = false;
  process.on('message', (message: { readonly kind?: unknown }) => {
    if (message.kind !== 'drain' || draining) return;
    draining = true;
    void finish().finally(() => process.exit(0));
  });
}

/** Sends to the primary; a primary that is gone is noticed by `disconnect`, not here. */
export function sendToPrimary(message: ClientMessage | ComputeMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
