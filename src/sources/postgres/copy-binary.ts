import { CHUNK_ROWS, type Chunk } from '../../reports/chunk.ts';
import { columnBuilder, takeChunk } from '../../reports/chunk-builder.ts';
import type { Field } from '../../reports/dataset.ts';

/**
 * Decodes `COPY … (FORMAT binary)` into chunks. Timestamps come as microseconds since 2000 in an
 * int64, integers as int64 (bigint), text and decimals as bytes.
 */

const SIGNATURE_BYTES = 11;
const HEADER_BYTES = SIGNATURE_BYTES + 8;
const EPOCH_2000_MS = 946_684_800_000;
const HIGH_WORD = 4_294_967_296;

export interface CopyBinaryDecoder {
  /** Takes the next bytes of the stream; returns the chunks that became full. */
  push(bytes: Buffer): Chunk[];
  /** The rest. @throws Error when the stream ended inside a row or without its trailer. */
  end(): Chunk | null;
}

export function createCopyBinaryDecoder(fields: readonly Field[]): CopyBinaryDecoder {
  const builders = fields.map((field) => columnBuilder(field.name, field.type));
  const kinds = fields.map((field) =>
    field.type === 'instant' ? 1 : field.type === 'integer' ? 2 : 0,
  );
  const columnCount = fields.length;
  let pending: Buffer | null = null;
  let headerSeen = false;
  let trailerSeen = false;
  let rows = 0;

  /** Decodes whole rows from `at` on; returns where the first incomplete row starts. */
  function decodeRows(bytes: Buffer, from: number, full: Chunk[]): number {
    const length = bytes.length;
    let at = from;
    while (at + 2 <= length) {
      const count = (bytes[at] << 8) | bytes[at + 1];
      if (count === 0xffff) {
        trailerSeen = true;
        return at + 2;
      }
      let end = at + 2;
      let column = 0;
      while (column < columnCount && end + 4 <= length) {
        const size = readInt32(bytes, end);
        end += size > 0 ? 4 + size : 4;
        column++;
      }
      if (column < columnCount || end > length) return at;
      let position = at + 2;
      for (column = 0; column < columnCount; column++) {
        const size = readInt32(bytes, position);
        position += 4;
        const builder = builders[column];
        const kind = kinds[column];
        if (kind === 0) {
          const stop = size > 0 ? position + size : position;
          builder.addBytes(bytes, position, stop);
          position = stop;
        } else if (size < 0) {
          builder.addNumber(Number.NaN);
        } else {
          const value =
            readInt32(bytes, position) * HIGH_WORD + (readInt32(bytes, position + 4) >>> 0);
          builder.addNumber(kind === 1 ? Math.floor(value / 1000) + EPOCH_2000_MS : value);
          position += 8;
        }
      }
      at = end;
      if (++rows === CHUNK_ROWS) {
        full.push(takeChunk(builders, rows));
        rows = 0;
      }
    }
    return at;
  }

  return {
    push(bytes) {
      const full: Chunk[] = [];
      const all = pending ? Buffer.concat([pending, bytes]) : bytes;
      pending = null;
      let at = 0;
      if (!headerSeen) {
        if (all.length < HEADER_BYTES) {
          pending = all;
          return full;
        }
        headerSeen = true;
        at = HEADER_BYTES + all.readUInt32BE(HEADER_BYTES - 4);
      }
      at = decodeRows(all, at, full);
      if (at < all.length) pending = all.subarray(at);
      return full;
    },
    end() {
      if (!trailerSeen) throw new Error('the rows ended before their trailer');
      const last = rows > 0 ? takeChunk(builders, rows) : null;
      rows = 0;
      return last;
    },
  };
}

function readInt32(bytes: Buffer, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
