import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DaybookError } from '../errors.ts';
import type { Channel, ClientMessage, HubMessage } from '../pool/messages.ts';

const ANSWER_MS = 6_000;

/** Asks the primary for the metrics of all processes. */
export function createMetricsClient(primary: Channel<ClientMessage>): {
  /** @throws DaybookError `E_UNAVAILABLE` after 6 s without an answer. */
  collect(): Promise<string>;
  receive(message: HubMessage & { kind: 'metrics' }): void;
} {
  const pending = new Map<string, (text: string) => void>();
  return {
    async collect() {
      const id = randomUUID();
      const answer = new Promise<string>((resolve) => pending.set(id, resolve));
      primary.send({ kind: 'metrics', id });
      const text = await Promise.race([answer, pause(ANSWER_MS, null, { ref: false })]);
      pending.delete(id);
      if (text !== null) return text;
      throw new DaybookError('E_UNAVAILABLE', { what: 'the primary', reason: 'no metrics in 6 s' });
    },
    receive: ({ id, text }) => pending.get(id)?.(text),
  };
}
