import { copy, offset, writeDigits } from './memory';

/** Cells put into rows. */

/**
 * A column of cells and what stands around each: offsets, bytes; then address and length of what
 * stands before, of what follows the row number, behind, and of what an empty cell is.
 */
const FRAME_BYTES: usize = 40;

/**
 * Puts cells into rows: `begin`, the cells of each column, `end`.
 * @param firstRow where rows bear numbers, that of the first; 0: rows bear none. The number stands
 *   behind `begin`, and in each cell that has a middle in front of it
 * @returns bytes written
 */
export function interleave(
  rows: u32,
  columns: u32,
  frames: usize,
  begin: usize,
  beginLength: u32,
  beginTail: usize,
  beginTailLength: u32,
  end: usize,
  endLength: u32,
  firstRow: u32,
  digits: usize,
  out: usize,
): u32 {
  let at = out;
  let digitsLength: u32 = 0;
  for (let row: u32 = 0; row < rows; row++) {
    copy(at, begin, beginLength);
    at += beginLength;
    if (firstRow != 0) {
      digitsLength = <u32>(writeDigits(digits, firstRow + row) - digits);
      copy(at, digits, digitsLength);
      at += digitsLength;
      copy(at, beginTail, beginTailLength);
      at += beginTailLength;
    }
    for (let column: u32 = 0; column < columns; column++) {
      const frame = frames + <usize>column * FRAME_BYTES;
      const offsets = <usize>load<u32>(frame);
      const start = offset(offsets, row);
      const length = offset(offsets, row + 1) - start;
      if (length == 0) {
        const emptyLength = load<u32>(frame, 36);
        copy(at, load<u32>(frame, 32), emptyLength);
        at += emptyLength;
        continue;
      }
      const before = load<u32>(frame, 12);
      copy(at, load<u32>(frame, 8), before);
      at += before;
      const middle = load<u32>(frame, 20);
      if (middle != 0) {
        copy(at, digits, digitsLength);
        at += digitsLength;
        copy(at, load<u32>(frame, 16), middle);
        at += middle;
      }
      copy(at, load<u32>(frame, 4) + start, length);
      at += length;
      const behind = load<u32>(frame, 28);
      copy(at, load<u32>(frame, 24), behind);
      at += behind;
    }
    copy(at, end, endLength);
    at += endLength;
  }
  return <u32>(at - out);
}

/** A column of cells: offsets, bytes, and the byte that stands before each or 0. */
const LEAN_FRAME_BYTES: usize = 12;

/**
 * As {@link interleave}, where nothing but one byte stands before a cell, be it empty or not.
 * @returns bytes written
 */
export function interleaveLean(
  rows: u32,
  columns: u32,
  frames: usize,
  end: usize,
  endLength: u32,
  out: usize,
): u32 {
  const framesEnd = frames + <usize>columns * LEAN_FRAME_BYTES;
  let at = out;
  for (let row: u32 = 0; row < rows; row++) {
    const rowOffset = <usize>row << 2;
    for (let frame = frames; frame < framesEnd; frame += LEAN_FRAME_BYTES) {
      const offsets = <usize>load<u32>(frame) + rowOffset;
      const start = load<u32>(offsets);
      const lead = load<u32>(frame, 8);
      if (lead != 0) {
        store<u8>(at, lead);
        at++;
      }
      const length = load<u32>(offsets, 4) - start;
      copy(at, load<u32>(frame, 4) + start, length);
      at += length;
    }
    copy(at, end, endLength);
    at += endLength;
  }
  return <u32>(at - out);
}
