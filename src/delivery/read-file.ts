import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { DaybookError } from '../errors.ts';
import type { Coding, FileBlock } from '../reports/stored-form.ts';
import { inflateRaw } from './inflate.ts';

/** Bytes of a finished file, as it stands on disk or as people get it; no block goes out unchecked. */

export interface OpenedFile {
  readonly handle: FileHandle;
  readonly coding: Coding;
  readonly storedBytes: number;
  /** Null: they were never entered, and nothing but the length can be checked. */
  readonly blocks: readonly FileBlock[] | null;
  /** For messages. */
  readonly path: string;
}

/** Both ends inclusive. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number;
}

/** So many bytes are read at once, at least one block. */
const READ_BYTES = 1 << 20;

interface Stretch {
  readonly offset: number;
  readonly bytes: number;
  /** Of the file as people get it. */
  readonly rawOffset: number;
  readonly rawBytes: number;
  readonly blocks: readonly FileBlock[];
}

/**
 * The stored bytes of a span. A chunk is good until the next one is asked for.
 * @throws DaybookError `E_IO` before it gives out bytes that are not those that were written
 */
export async function* readStored(file: OpenedFile, span: ByteSpan): AsyncGenerator<Buffer> {
  const stretches = stretchesOf(file).filter(
    ({ offset, bytes }) => offset <= span.last && offset + bytes > span.first,
  );
  let index = 0;
  for await (const data of readChecked(file, stretches)) {
    const { offset } = stretches[index++];
    yield data.subarray(Math.max(0, span.first - offset), span.last + 1 - offset);
  }
}

/**
 * A span of the file as people get it: of a coded file inflated, from the block on that holds the
 * first of its bytes. A chunk is good until the next one is asked for.
 * @throws DaybookError `E_IO` before it gives out bytes that are not those that were written
 */
export async function* readContent(file: OpenedFile, span: ByteSpan): AsyncGenerator<Buffer> {
  if (file.coding === 'identity') {
    yield* readStored(file, span);
    return;
  }
  const stretches = stretchesOf(file).filter(
    ({ rawOffset, rawBytes }) => rawOffset <= span.last && rawOffset + rawBytes > span.first,
  );
  let at = stretches[0]?.rawOffset ?? 0;
  for await (const raw of inflateRaw(readChecked(file, stretches))) {
    const wanted = raw.subarray(Math.max(0, span.first - at), Math.max(0, span.last + 1 - at));
    at += raw.length;
    if (wanted.length > 0) yield wanted;
    if (at > span.last) return;
  }
  throw new DaybookError('E_IO', { where: file.path, reason: 'it inflates to less than it says' });
}

/** Blocks are read several at once where they are short; a coded file's head stands alone. */
function stretchesOf({ blocks, storedBytes }: OpenedFile): Stretch[] {
  const stretches: Stretch[] = [];
  let [offset, rawOffset] = [0, 0];
  let open: FileBlock[] = [];
  let [bytes, rawBytes] = [0, 0];
  const close = () => {
    if (bytes > 0) stretches.push({ offset, bytes, rawOffset, rawBytes, blocks: open });
    offset += bytes;
    rawOffset += rawBytes;
    open = [];
    [bytes, rawBytes] = [0, 0];
  };
  for (const block of blocks ?? unchecked(storedBytes)) {
    if (bytes + block.bytes > READ_BYTES || (rawBytes === 0) !== (block.rawBytes === 0)) close();
    open.push(block);
    bytes += block.bytes;
    rawBytes += block.rawBytes;
  }
  close();
  return stretches;
}

function unchecked(storedBytes: number): FileBlock[] {
  return Array.from({ length: Math.ceil(storedBytes / READ_BYTES) }, (_, index) => {
    const bytes = Math.min(READ_BYTES, storedBytes - index * READ_BYTES);
    return { bytes, rawBytes: bytes, crc32: 0 };
  });
}

async function* readChecked(
  { handle, path, blocks }: OpenedFile,
  stretches: readonly Stretch[],
): AsyncGenerator<Buffer> {
  // One for all: a new one each time costs more than the reading.
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, ...stretches.map(({ bytes }) => bytes)));
  for (const stretch of stretches) {
    const { bytesRead } = await handle.read(buffer, 0, stretch.bytes, stretch.offset);
    if (bytesRead !== stretch.bytes) {
      throw new DaybookError('E_IO', { where: path, reason: 'it is shorter than the ledger says' });
    }
    let at = 0;
    for (const block of stretch.blocks) {
      const end = at + block.bytes;
      if (blocks !== null && crc32(buffer.subarray(at, end)) !== block.crc32) {
        throw new DaybookError('E_IO', {
          where: path,
          reason: `the bytes from ${stretch.offset + at} on have changed`,
        });
      }
      at = end;
    }
    yield buffer.subarray(0, stretch.bytes);
  }
}
