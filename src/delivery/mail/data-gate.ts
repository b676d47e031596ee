import { Readable } from 'node:stream';
import type { DataProgress } from './classify-reply.ts';

/**
 * Stands between a message and the connection, and knows how much went through. Nothing is read
 * before the server has said that it waits for the message (354). Behind the last byte, and before
 * the final dot by which the server takes the message (RFC 5321, 4.1.1.4), `beforeEnd` is awaited: it
 * records that from now on a copy may exist; when it fails, the dot is never sent. A second reading
 * is refused, whoever asks: what may have arrived is never sent again behind our back.
 */
export interface DataGate {
  readonly progress: DataProgress;
  stream(source: () => AsyncIterable<Uint8Array>): Readable;
}

export function openDataGate(beforeEnd: () => Promise<void>): DataGate {
  const progress = { began: false, finished: false };
  async function* through(source: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (progress.began) throw new Error('the message was given to a server already');
    progress.began = true;
    for await (const chunk of source()) yield chunk;
    await beforeEnd();
    progress.finished = true;
  }
  return {
    progress,
    stream: (source) => Readable.from(through(source), { objectMode: false }),
  };
}
