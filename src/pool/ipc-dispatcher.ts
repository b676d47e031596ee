import { randomUUID } from 'node:crypto';
import { fromPlainError } from '../errors.ts';
import type { DayResult } from '../reports/day-task.ts';
import type { Dispatcher } from '../reports/ports.ts';
import type { Channel, ClientMessage, HubMessage } from './messages.ts';

/** A {@link Dispatcher} that asks the primary. `receive` takes what the primary answers. */
export function createIpcDispatcher(primary: Channel<ClientMessage>): {
  readonly dispatcher: Dispatcher;
  receive(message: HubMessage & { kind: 'dispatched' | 'refused' }): void;
} {
  interface Pending {
    resolve(result: DayResult): void;
    reject(reason: unknown): void;
  }
  const pending = new Map<string, Pending>();

  return {
    dispatcher: {
      dispatch: (task, signal) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) return reject(signal.reason);
          const id = randomUUID();
          const giveUp = () => {
            pending.delete(id);
            primary.send({ kind: 'cancel', id });
            reject(signal.reason);
          };
          const settle = () => {
            pending.delete(id);
            signal.removeEventListener('abort', giveUp);
          };
          signal.addEventListener('abort', giveUp, { once: true });
          pending.set(id, {
            resolve: (result) => {
              settle();
              resolve(result);
            },
            reject: (reason) => {
              settle();
              reject(reason);
            },
          });
          primary.send({ kind: 'dispatch', id, task });
        }),
    },
    receive(message) {
      const waiter = pending.get(message.id);
      if (!waiter) return;
      if (message.kind === 'dispatched') waiter.resolve(message.result);
      else waiter.reject(fromPlainError(message.error));
    },
  };
}
