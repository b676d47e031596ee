import type { ServerResponse } from 'node:http';
import { DaybookError } from '../errors.ts';

/**
 * Aborts when the client leaves, the answer has ended, the server closes, or (with `timeoutMs`)
 * time is up. Made by hand since `AbortSignal.any` over a signal that lives as long as the process
 * keeps memory on Node 20.
 */
export function requestSignal(
  response: ServerResponse,
  closing: AbortSignal,
  timeoutMs?: number,
): AbortSignal {
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
  response.once('close', () => {
    clearTimeout(timer);
    closing.removeEventListener('abort', abort);
    abort();
  });
  return controller.signal;
}
