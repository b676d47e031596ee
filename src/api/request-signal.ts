import type { ServerResponse } from 'node:http';
import { DaybookError } from '../errors.ts';

/**
 * Aborts when the client leaves, the answer has ended, the server closes, or (with `timeoutMs`)
 * time is up.
 */
export function requestSignal(
  response: ServerResponse,
  closing: AbortSignal,
  timeoutMs?: number,
): AbortSignal {
  const deadline = deadlineSignal(closing, timeoutMs);
  response.once('close', () => {
    deadline.release();
    deadline.abort();
  });
  return deadline.signal;
}

/**
 * Aborts when the server closes or time is up, and not when the client leaves: for work that others
 * may wait for too. Must be released. Made by hand since `AbortSignal.any` over a signal that lives
 * as long as the process keeps memory on Node 20.
 */
export function deadlineSignal(
  closing: AbortSignal,
  timeoutMs?: number,
): { readonly signal: AbortSignal; abort(): void; release(): void } {
  const controller = new AbortController();
  const abort = () =>
    controller.abort(new DaybookError('E_CANCELLED', { what: 'request', got: '' }));
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          const reason = `it took longer than ${timeoutMs} ms`;
          controller.abort(new DaybookError('E_UNAVAILABLE', { what: 'the answer', reason }));
        }, timeoutMs);
  if (closing.aborted) abort();
  closing.addEventListener('abort', abort);
  const release = () => {
    clearTimeout(timer);
    closing.removeEventListener('abort', abort);
  };
  return { signal: controller.signal, abort, release };
}
