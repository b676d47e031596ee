import type { Transform } from 'node:stream';
import { constants, createGunzip, createInflateRaw } from 'node:zlib';
import { DaybookError } from '../errors.ts';

/** Bytes that are inflated at once, in the threads of the runtime. */
const CHUNK_BYTES = 1 << 19;

/**
 * A gzip member from its head to its end, its CRC-32 checked.
 * @throws DaybookError `E_IO` when it is none; what `chunks` throw
 */
export function gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  return through(createGunzip({ chunkSize: CHUNK_BYTES }), chunks);
}

/**
 * Deflated bytes without a head, that need not have an end.
 * @throws DaybookError `E_IO` when they are none; what `chunks` throw
 */
export function inflateRaw(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const finishFlush = constants.Z_SYNC_FLUSH;
  return through(createInflateRaw({ chunkSize: CHUNK_BYTES, finishFlush }), chunks);
}

/** A chunk of what goes in is asked for when zlib is done with the one before. */
async function* through(
  engine: Transform,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  feed(engine, chunks).catch((error: Error) => engine.destroy(error));
  try {
    yield* engine as AsyncIterable<Buffer>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw error;
    throw new DaybookError('E_IO', { where: 'a stored file', reason: message }, error);
  } finally {
    engine.destroy();
  }
}

async function feed(engine: Transform, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => {
      engine.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }
  engine.end();
}
