import type { ClientMessage, ComputeMessage } from '../pool/messages.ts';

/** Sends to the primary; a primary that is gone is noticed by `disconnect`, not here. */
export function sendToPrimary(message: ClientMessage | ComputeMessage): void {
  if (process.connected) process.send?.(message);
}

let early: unknown[] | null = null;
const keep = (message: unknown) => void early?.push(message);

/**
 * Keeps what the primary says until {@link onPrimaryMessage}: any listener lets messages flow, also
 * one of a library, and what nobody hears is lost. A lost `drain` would be waited for without end.
 */
export function keepPrimaryMessages(): void {
  early = [];
  process.on('message', keep);
}

/** Hears the primary: first what was kept, then what comes. */
export function onPrimaryMessage<Message>(hear: (message: Message) => void): void {
  const kept = early ?? [];
  early = null;
  process.off('message', keep);
  process.on('message', hear);
  for (const message of kept) hear(message as Message);
}
