import type { ClientMessage, ComputeMessage } from '../pool/messages.ts';

/** Sends to the primary; a primary that is gone is noticed by `disconnect`, not here. */
export function sendToPrimary(message: ClientMessage | ComputeMessage): void {
  if (process.connected) process.send?.(message);
}
