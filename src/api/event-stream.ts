import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { requestSignal } from './request-signal.ts';

/** One response of server-sent events, with back-pressure. */
export interface EventStream {
  /** Resolves when the connection can take more; resolves too when it is gone. */
  send(event: string, data: unknown): Promise<void>;
  /** A comment, so that proxies keep an idle connection. */
  heartbeat(): Promise<void>;
  /** Aborts when the client leaves, or as the given signal does. */
  readonly signal: AbortSignal;
  end(): void;
}

/** Begins the response; nothing else may write to it afterwards. */
export function beginEventStream(
  response: ServerResponse,
  headers: Record<string, string | number | string[] | undefined>,
  closing: AbortSignal,
): EventStream {
  const signal = requestSignal(response, closing);
  // An error is followed by close.
  response.on('error', () => {});
  const kept = Object.entries(headers).filter(([, value]) => value !== undefined);
  response.writeHead(200, {
    ...(Object.fromEntries(kept) as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // What follows on the connection would wait for hours, and a closing server for it.
    connection: 'close',
    'x-accel-buffering': 'no',
  });
  let id = 0;

  async function write(text: string): Promise<void> {
    if (response.destroyed || response.writableEnded || response.write(text)) return;
    await once(response, 'drain', { signal }).catch(() => {});
  }

  void write('retry: 2000\n\n');
  return {
    signal,
    send: (event, data) => write(`id: ${++id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    heartbeat: () => write(': still here\n\n'),
    end: () => response.end(),
  };
}
