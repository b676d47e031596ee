import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type ChunkColumn, isNumberColumn } from '../reports/chunk.ts';
import type { FieldType } from '../reports/dataset.ts';
import { sharedKernel } from '../reports/kernel/kernel.ts';

/**
 * A column of a chunk as compressed bytes, and back. Numbers: zigzag varints of the difference to
 * the last value, plus one; 0 is no value. Bytes: a varint length per row, then all bytes.
 */

const DEFLATE = { level: 1, memLevel: 9 } as const;
/** Numbers are whole and below 2^54. */
const LONGEST_NUMBER_BYTES = 8;
const LONGEST_LENGTH_BYTES = 5;
/** No column inflates to more than so many bytes for each of its own. */
const GROWTH = 1100;

export function encodeColumn(column: ChunkColumn, rows: number): Buffer {
  return deflateRawSync(packed(column, rows), DEFLATE);
}

/** @throws Error when the bytes are not such a column of exactly `rows` rows. */
export function decodeColumn(type: FieldType, encoded: Uint8Array, rows: number): ChunkColumn {
  const bytes = inflateRawSync(encoded, { chunkSize: sizeHint(encoded, rows) });
  const kernel = sharedKernel();
  const from = kernel.put(bytes);
  const end = from + bytes.length;
  if (type === 'instant' || type === 'integer') {
    const values = kernel.allocate(rows * 8);
    const read = kernel.run.unpackNumbers(rows, from, end, values) >>> 0;
    if (read !== bytes.length || (read === 0 && rows > 0))
      throw new Error('a column of numbers is not as long as it says');
    return { type, values: kernel.numbers(values, rows).slice() };
  }
  const offsets = kernel.allocate((rows + 1) * 4);
  const read = kernel.run.unpackLengths(rows, from, end, offsets) >>> 0;
  const column = kernel.offsets(offsets, rows + 1).slice();
  if ((read === 0 && rows > 0) || read + column[rows] !== bytes.length) {
    throw new Error('a column of texts is not as long as it says');
  }
  return { type, offsets: column, bytes: bytes.subarray(read) };
}

/** Holds until the next use of the kernel. */
function packed(column: ChunkColumn, rows: number): Uint8Array {
  const kernel = sharedKernel();
  if (isNumberColumn(column)) {
    const values = kernel.put(column.values.subarray(0, rows));
    const out = kernel.allocate(rows * LONGEST_NUMBER_BYTES);
    return kernel.bytes(out, kernel.run.packNumbers(rows, values, out));
  }
  const first = column.offsets[0];
  const bytes = column.bytes.subarray(first, column.offsets[rows]);
  const offsets = kernel.put(column.offsets.subarray(0, rows + 1));
  const out = kernel.allocate(rows * LONGEST_LENGTH_BYTES + bytes.length);
  const lengths = kernel.run.packLengths(rows, offsets, out);
  kernel.bytes(out + lengths, bytes.length).set(bytes);
  return kernel.bytes(out, lengths + bytes.length);
}

/** Room that the inflated column most likely fits, so that it is one block and not many. */
function sizeHint(encoded: Uint8Array, rows: number): number {
  return Math.max(1 << 14, Math.min(encoded.length * GROWTH, rows * 16, 1 << 22));
}
