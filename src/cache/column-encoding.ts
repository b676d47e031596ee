import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type BytesColumn, type ChunkColumn, isNumberColumn } from '../reports/chunk.ts';
import type { FieldType } from '../reports/dataset.ts';

/**
 * A column of a chunk as compressed bytes, and back. Numbers: zigzag varints of the difference to
 * the last value, plus one; 0 is no value. Bytes: a varint length per row, then all bytes.
 */

const DEFLATE = { level: 1, memLevel: 9 } as const;
const TWO_31 = 2_147_483_648;
const LONGEST_VARINT_BYTES = 8;

let scratch = new Uint8Array(1 << 20);

export function encodeColumn(column: ChunkColumn, rows: number): Buffer {
  const length = isNumberColumn(column)
    ? encodeNumbers(column.values, rows)
    : encodeBytes(column, rows);
  return deflateRawSync(scratch.subarray(0, length), DEFLATE);
}

/** @throws Error when the bytes are not such a column of exactly `rows` rows. */
export function decodeColumn(type: FieldType, encoded: Uint8Array, rows: number): ChunkColumn {
  const bytes = inflateRawSync(encoded);
  if (type === 'instant' || type === 'integer') {
    return { type, values: decodeNumbers(bytes, rows) };
  }
  return decodeBytes(type, bytes, rows);
}

function encodeNumbers(values: Float64Array, rows: number): number {
  reserve(rows * LONGEST_VARINT_BYTES);
  let at = 0;
  let last = 0;
  for (let row = 0; row < rows; row++) {
    const value = values[row];
    if (Number.isNaN(value)) {
      scratch[at++] = 0;
      continue;
    }
    const difference = value - last;
    last = value;
    at = writeVarint(at, (difference < 0 ? -2 * difference - 1 : 2 * difference) + 1);
  }
  return at;
}

function encodeBytes(column: BytesColumn, rows: number): number {
  const { offsets, bytes } = column;
  const size = offsets[rows] - offsets[0];
  reserve(rows * 5 + size);
  let at = 0;
  for (let row = 0; row < rows; row++) at = writeVarint(at, offsets[row + 1] - offsets[row]);
  scratch.set(bytes.subarray(offsets[0], offsets[rows]), at);
  return at + size;
}

function writeVarint(from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest >= TWO_31) {
    scratch[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    scratch[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  scratch[at++] = rest;
  return at;
}

function decodeNumbers(bytes: Uint8Array, rows: number): Float64Array {
  const values = new Float64Array(rows);
  let at = 0;
  let last = 0;
  for (let row = 0; row < rows; row++) {
    let code = bytes[at++];
    if (code > 127) {
      code &= 127;
      let scale = 128;
      let byte: number;
      do {
        byte = bytes[at++];
        code += (byte & 127) * scale;
        scale *= 128;
      } while (byte > 127);
    }
    if (code === 0) {
      values[row] = Number.NaN;
      continue;
    }
    const zigzag = code - 1;
    last += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    values[row] = last;
  }
  if (at !== bytes.length) throw new Error('a column of numbers is not as long as it says');
  return values;
}

function decodeBytes(type: 'text' | 'decimal', bytes: Uint8Array, rows: number): BytesColumn {
  const offsets = new Uint32Array(rows + 1);
  let at = 0;
  let end = 0;
  for (let row = 0; row < rows; row++) {
    let length = bytes[at++];
    if (length > 127) {
      length &= 127;
      let shift = 7;
      let byte: number;
      do {
        byte = bytes[at++];
        length |= (byte & 127) << shift;
        shift += 7;
      } while (byte > 127);
    }
    end += length;
    offsets[row + 1] = end;
  }
  if (at + end !== bytes.length) throw new Error('a column of texts is not as long as it says');
  return { type, offsets, bytes: bytes.subarray(at) };
}

function reserve(size: number): void {
  if (scratch.length < size) scratch = new Uint8Array(size * 2);
}
