import {
  addDecimal,
  type Decimal,
  formatDecimal,
  multiplyDecimal,
  negate,
  parseDecimal,
} from '../money/decimal.ts';
import type { BytesColumn } from './chunk.ts';

/**
 * Exact decimals of a chunk's rows. Row i is `unscaled[i]` ÷ 10^`scales[i]`, a safe integer; NaN
 * is no value; Infinity says that the number is too long for that and stands in `long`.
 */
export interface DecimalVector {
  readonly unscaled: Float64Array;
  readonly scales: Uint8Array;
  readonly long: Map<number, Decimal>;
}

export const LONG = Number.POSITIVE_INFINITY;

/** Powers of ten that are exact and leave room for a factor. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 16 }, (_, n) => 10 ** n);

const SHORT_DIGITS = 15;
const POINT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;

/** @throws RangeError when a cell is not a decimal: a source wrote what it must not. */
export function parseDecimals(column: BytesColumn): DecimalVector {
  const { offsets, bytes } = column;
  const vector = emptyVector(offsets.length - 1);
  for (let row = 0; row < vector.unscaled.length; row++) {
    const start = offsets[row];
    const end = offsets[row + 1];
    if (start === end) vector.unscaled[row] = Number.NaN;
    else parseInto(vector, row, bytes, start, end);
  }
  return vector;
}

function emptyVector(rows: number): DecimalVector {
  return { unscaled: new Float64Array(rows), scales: new Uint8Array(rows), long: new Map() };
}

function parseInto(
  vector: DecimalVector,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const sign = bytes[start];
  const first = sign === MINUS || sign === PLUS ? start + 1 : start;
  let unscaled = 0;
  let digits = 0;
  let point = -1;
  for (let at = first; at < end; at++) {
    const byte = bytes[at];
    if (byte === POINT && point < 0) {
      point = at;
    } else {
      const digit = byte - 0x30;
      if (digit < 0 || digit > 9) throw notDecimal(bytes, start, end);
      unscaled = unscaled * 10 + digit;
      digits++;
    }
  }
  if (digits === 0 || digits > SHORT_DIGITS || point === first || point === end - 1) {
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    const parsed = parseDecimal(text);
    if (parsed === null) throw notDecimal(bytes, start, end);
    setLong(vector, row, parsed);
    return;
  }
  vector.unscaled[row] = sign === MINUS && unscaled !== 0 ? -unscaled : unscaled;
  vector.scales[row] = point < 0 ? 0 : end - point - 1;
}

function notDecimal(bytes: Uint8Array, start: number, end: number): RangeError {
  const text = Buffer.from(bytes.subarray(start, Math.min(end, start + 64))).toString('latin1');
  return new RangeError(`${JSON.stringify(text)} stands in a decimal column`);
}

/** Keeps `value` short where it fits. */
function setLong(vector: DecimalVector, row: number, value: Decimal): void {
  const short = Number(value.unscaled);
  if (Number.isSafeInteger(short) && value.scale <= SHORT_DIGITS) {
    vector.unscaled[row] = short;
    vector.scales[row] = value.scale;
  } else {
    vector.unscaled[row] = LONG;
    vector.long.set(row, value);
  }
}

/** The value of a row, exact; null where there is none. */
export function decimalAt(vector: DecimalVector, row: number): Decimal | null {
  const unscaled = vector.unscaled[row];
  if (Number.isNaN(unscaled)) return null;
  if (unscaled === LONG) return vector.long.get(row) as Decimal;
  return { unscaled: BigInt(unscaled), scale: vector.scales[row] };
}

/** Row by row; no value where either has none. */
export function multiplyVectors(a: DecimalVector, b: DecimalVector): DecimalVector {
  const product = emptyVector(a.unscaled.length);
  for (let row = 0; row < product.unscaled.length; row++) {
    const unscaled = a.unscaled[row] * b.unscaled[row];
    const scale = a.scales[row] + b.scales[row];
    if (Number.isSafeInteger(unscaled) && scale <= SHORT_DIGITS) {
      product.unscaled[row] = unscaled === 0 ? 0 : unscaled;
      product.scales[row] = scale;
      continue;
    }
    const left = decimalAt(a, row);
    const right = decimalAt(b, row);
    if (left === null || right === null) product.unscaled[row] = Number.NaN;
    else setLong(product, row, multiplyDecimal(left, right));
  }
  return product;
}

/** `a − b` row by row; where `b` has no value nothing is taken away. */
export function subtractVectors(a: DecimalVector, b: DecimalVector): DecimalVector {
  const difference = emptyVector(a.unscaled.length);
  for (let row = 0; row < difference.unscaled.length; row++) {
    if (Number.isNaN(b.unscaled[row])) {
      copyRow(a, difference, row);
      continue;
    }
    const scale = Math.max(a.scales[row], b.scales[row]);
    const unscaled =
      a.unscaled[row] * POWERS_OF_TEN[scale - a.scales[row]] -
      b.unscaled[row] * POWERS_OF_TEN[scale - b.scales[row]];
    // Both aligned terms must be exact too, not only what is left of them.
    const exact =
      Math.abs(a.unscaled[row]) * POWERS_OF_TEN[scale - a.scales[row]] <= Number.MAX_SAFE_INTEGER &&
      Math.abs(b.unscaled[row]) * POWERS_OF_TEN[scale - b.scales[row]] <= Number.MAX_SAFE_INTEGER;
    if (exact && Number.isSafeInteger(unscaled)) {
      difference.unscaled[row] = unscaled;
      difference.scales[row] = scale;
      continue;
    }
    const left = decimalAt(a, row);
    const right = decimalAt(b, row);
    if (left === null || right === null) difference.unscaled[row] = Number.NaN;
    else setLong(difference, row, addDecimal(left, negate(right)));
  }
  return difference;
}

function copyRow(from: DecimalVector, to: DecimalVector, row: number): void {
  to.unscaled[row] = from.unscaled[row];
  to.scales[row] = from.scales[row];
  const long = from.long.get(row);
  if (long !== undefined) to.long.set(row, long);
}

/** The text of the rows as a column: no zeros at the end of a fraction, no minus on a zero. */
export function decimalColumn(vector: DecimalVector): BytesColumn {
  const rows = vector.unscaled.length;
  const offsets = new Uint32Array(rows + 1);
  // A short number takes a sign, 16 digits, a leading zero and a point at most.
  let bytes = new Uint8Array(rows * 12 + 64);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const unscaled = vector.unscaled[row];
    if (unscaled === LONG) {
      const text = Buffer.from(formatDecimal(vector.long.get(row) as Decimal, 0), 'latin1');
      bytes = withRoom(bytes, at, text.length);
      bytes.set(text, at);
      at += text.length;
    } else if (!Number.isNaN(unscaled)) {
      bytes = withRoom(bytes, at, 40);
      at = writeShort(bytes, at, unscaled, vector.scales[row]);
    }
    offsets[row + 1] = at;
  }
  return { type: 'decimal', offsets, bytes: bytes.subarray(0, at) };
}

function withRoom(bytes: Uint8Array<ArrayBuffer>, at: number, room: number) {
  if (at + room <= bytes.length) return bytes;
  const larger = new Uint8Array((at + room) * 2);
  larger.set(bytes.subarray(0, at));
  return larger;
}

const digitsOfOne = new Uint8Array(32);

function writeShort(bytes: Uint8Array, start: number, value: number, scale: number): number {
  let at = start;
  let rest = Math.abs(value);
  let fraction = scale;
  if (value < 0) bytes[at++] = MINUS;
  while (fraction > 0 && rest % 10 === 0) {
    rest /= 10;
    fraction--;
  }
  let count = 0;
  while (rest > 0 || count <= fraction) {
    const tenth = Math.floor(rest / 10);
    digitsOfOne[count++] = rest - tenth * 10;
    rest = tenth;
  }
  while (count > 0) {
    bytes[at++] = 0x30 + digitsOfOne[--count];
    if (count === fraction && fraction > 0) bytes[at++] = POINT;
  }
  return at;
}
