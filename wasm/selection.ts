import { copy, number, offset, setOffset } from './memory';

/** Which rows, and some of them. */

/** Writes 1 for each cell that has exactly these bytes; the others stay as they are. */
export function equalCells(
  rows: u32,
  offsets: usize,
  bytes: usize,
  wanted: usize,
  length: u32,
  out: usize,
): void {
  let start = offset(offsets, 0);
  for (let row: u32 = 0; row < rows; row++) {
    const stop = offset(offsets, row + 1);
    if (stop - start == length && sameBytes(bytes + start, wanted, length)) store<u8>(out + row, 1);
    start = stop;
  }
}

@inline
function sameBytes(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

export function gatherNumbers(rows: u32, wanted: usize, values: usize, out: usize): void {
  for (let i: u32 = 0; i < rows; i++) {
    store<f64>(out + (<usize>i << 3), number(values, offset(wanted, i)));
  }
}

/** @returns bytes written */
export function gatherBytes(
  rows: u32,
  wanted: usize,
  offsets: usize,
  bytes: usize,
  outOffsets: usize,
  out: usize,
): u32 {
  let used: u32 = 0;
  setOffset(outOffsets, 0, 0);
  for (let i: u32 = 0; i < rows; i++) {
    const row = offset(wanted, i);
    const start = offset(offsets, row);
    const length = offset(offsets, row + 1) - start;
    copy(out + used, bytes + start, length);
    used += length;
    setOffset(outOffsets, i + 1, used);
  }
  return used;
}
