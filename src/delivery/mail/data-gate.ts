import { Readable } from 'node:stream';
import type { DataProgress } from './classify-reply.ts';

/**
 * Stands between a message and the connection, and knows how much went through. Nothing is read
 * before the server has said that it waits for the message (354); then `onData` is awaited, which
 * records that from now on a copy may exist, and only then the first byte goes out. A second
 * reading is refused, whoever asks: what may have arrived is never sent again behind our back.
 */
export interface DataGate {
  readonly progress: DataProgress;
  stream(source: () => AsyncIterable<Uint8Array>): Readable;
}

export function openDataGate(onData: () => Promise<void>): DataGate {
  const progress = { began: false, finished: false };
  async function* through(source: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (progress.began) throw new Error('the message was given to a server already');
    await onData();
    progress.began = true;
    for await (const chunk of source()) yield chunk;
    // Asked for what comes behind the last byte: the final dot is next.
    progress.finished = true;
  }
  return {
    progress,
    stream: (source) => Readable.from(through(source), { objectMode: false }),
  };
}
