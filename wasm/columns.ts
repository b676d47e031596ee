import { number, offset, setOffset } from './memory';

/** Columns of a rows part, packed and unpacked. */

/** Zigzag varints of the difference to the last value, plus one; 0 is no value. */
export function packNumbers(rows: u32, values: usize, out: usize): u32 {
  let at = out;
  let last: i64 = 0;
  for (let row: u32 = 0; row < rows; row++) {
    const value = number(values, row);
    if (isNaN(value)) {
      store<u8>(at++, 0);
      continue;
    }
    const whole = <i64>value;
    const difference = whole - last;
    last = whole;
    at = writeVarint(at, <u64>((difference << 1) ^ (difference >> 63)) + 1);
  }
  return <u32>(at - out);
}

/** @returns bytes read; 0 when they end inside a number */
export function unpackNumbers(rows: u32, from: usize, end: usize, values: usize): u32 {
  let at = from;
  let last: i64 = 0;
  for (let row: u32 = 0; row < rows; row++) {
    let code: u64 = 0;
    let shift: u64 = 0;
    let byte: u64;
    do {
      if (at == end) return 0;
      byte = load<u8>(at++);
      code |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    let value = f64.NaN;
    if (code != 0) {
      const zigzag = code - 1;
      last += <i64>(zigzag >> 1) ^ -(<i64>(zigzag & 1));
      value = <f64>last;
    }
    store<f64>(values + (<usize>row << 3), value);
  }
  return <u32>(at - from);
}

export function packLengths(rows: u32, offsets: usize, out: usize): u32 {
  let at = out;
  let start = offset(offsets, 0);
  for (let row: u32 = 1; row <= rows; row++) {
    const stop = offset(offsets, row);
    at = writeVarint(at, stop - start);
    start = stop;
  }
  return <u32>(at - out);
}

/** @returns bytes read; 0 when they end inside a length or the lengths add up beyond a u32 */
export function unpackLengths(rows: u32, from: usize, end: usize, offsets: usize): u32 {
  let at = from;
  let total: u64 = 0;
  setOffset(offsets, 0, 0);
  for (let row: u32 = 1; row <= rows; row++) {
    let length: u64 = 0;
    let shift: u64 = 0;
    let byte: u64;
    do {
      if (at == end) return 0;
      byte = load<u8>(at++);
      length |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    total += length;
    if (total > u32.MAX_VALUE) return 0;
    setOffset(offsets, row, <u32>total);
  }
  return <u32>(at - from);
}

@inline
function writeVarint(to: usize, value: u64): usize {
  let at = to;
  let rest = value;
  while (rest > 127) {
    store<u8>(at++, <u32>(rest & 127) | 128);
    rest >>= 7;
  }
  store<u8>(at++, <u32>rest);
  return at;
}
