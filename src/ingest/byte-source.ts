import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DaybookError } from '../errors.ts';
import { looksGzipped } from './input-format.ts';

/** Bytes as they come, and back again in another coding; back-pressure all the way. */
export type Bytes = AsyncIterable<Buffer>;

const PIECE_BYTES = 1 << 18;
const HEAD_BYTES = 4096;

/** The first bytes (fewer only when there are no more) and all of them, first ones included. */
export async function peek(bytes: Bytes): Promise<{ head: Buffer; bytes: Bytes }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const { value, done } = await iterator.next();
    if (done) break;
    first.push(value);
    length += value.length;
  }
  const head = Buffer.concat(first);
  return { head, bytes: resumed(head, iterator) };
}

async function* resumed(head: Buffer, iterator: AsyncIterator<Buffer>): Bytes {
  try {
    if (head.length > 0) yield head;
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}

/**
 * What gzip holds, if that is what comes.
 * @throws DaybookError `E_INPUT` while reading, where the data is cut or damaged
 */
export async function unzipped(
  bytes: Bytes,
  name: string,
): Promise<{ head: Buffer; bytes: Bytes; wasGzip: boolean }> {
  const peeked = await peek(bytes);
  if (!looksGzipped(peeked.head)) return { ...peeked, wasGzip: false };
  return { ...(await peek(gunzip(peeked.bytes, name))), wasGzip: true };
}

async function* gunzip(bytes: Bytes, name: string): Bytes {
  const source = Readable.from(bytes, { objectMode: false, highWaterMark: PIECE_BYTES });
  const inflate = createGunzip({ chunkSize: PIECE_BYTES });
  source.on('error', (error) => inflate.destroy(error));
  source.pipe(inflate);
  try {
    for await (const piece of inflate) yield piece as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw error;
    const reason =
      code === 'Z_BUF_ERROR'
        ? 'unexpected end of file: the gzip data is cut off'
        : `the gzip data is damaged: ${message}`;
    throw new DaybookError('E_INPUT', { where: name, reason }, error);
  } finally {
    inflate.destroy();
    source.destroy();
  }
}

/** Without a byte order mark; UTF-16 becomes UTF-8. */
export function asUtf8(head: Buffer, bytes: Bytes): Bytes {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return without(bytes, 3);
  if (head[0] === 0xff && head[1] === 0xfe) return fromUtf16(bytes, 'utf-16le');
  if (head[0] === 0xfe && head[1] === 0xff) return fromUtf16(bytes, 'utf-16be');
  return bytes;
}

async function* without(bytes: Bytes, count: number): Bytes {
  let left = count;
  for await (const piece of bytes) {
    const cut = Math.min(left, piece.length);
    left -= cut;
    if (cut < piece.length) yield piece.subarray(cut);
  }
}

async function* fromUtf16(bytes: Bytes, encoding: 'utf-16le' | 'utf-16be'): Bytes {
  const decoder = new TextDecoder(encoding);
  for await (const piece of bytes) yield Buffer.from(decoder.decode(piece, { stream: true }));
  const rest = decoder.decode();
  if (rest !== '') yield Buffer.from(rest);
}
