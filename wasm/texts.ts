import { copy, offset, setOffset } from './memory';

/** Cells of text. */

/** Found in a cell: it must be looked at with care. */
const SPECIAL_FIRST: u8 = 1;
const SPECIAL_ANYWHERE: u8 = 2;
const SPECIAL_BEFORE_X: u8 = 4;
const SPECIAL_LAST: u8 = 8;

/** Where the two sets stand behind the kinds. */
const LOW_SET: usize = 256;
const HIGH_SET: usize = 272;

/**
 * Lists the cells that are more than their bytes.
 * @param kinds a byte of `SPECIAL_…` bits for each of 256 byte values; behind them the set of
 *   those that are special anywhere or before an x, as two times sixteen bytes: for each low half
 *   of a byte a bit for each high half, 0 to 7 and 8 to 15
 * @param longest a longer cell is special
 * @param out room for `rows` row numbers
 * @returns how many there are
 */
export function specialCells(
  rows: u32,
  offsets: usize,
  bytes: usize,
  kinds: usize,
  longest: u32,
  out: usize,
): u32 {
  let found: u32 = 0;
  let start = offset(offsets, 0);
  for (let row: u32 = 0; row < rows; row++) {
    const stop = offset(offsets, row + 1);
    if (stop > start && isSpecial(bytes + start, bytes + stop, kinds, longest)) {
      setOffset(out, found++, row);
    }
    start = stop;
  }
  return found;
}

@inline
function kindOf(kinds: usize, at: usize): u8 {
  return load<u8>(kinds + load<u8>(at));
}

@inline
function isSpecial(from: usize, end: usize, kinds: usize, longest: u32): bool {
  if (<u32>(end - from) > longest) return true;
  if ((kindOf(kinds, end - 1) & SPECIAL_LAST) != 0) return true;
  if ((kindOf(kinds, from) & SPECIAL_FIRST) != 0 && !isPlusAndDigits(from, end)) return true;
  return mayHoldSpecial(from, end, kinds) && holdsSpecial(from, end, kinds);
}

/** Sixteen bytes at a time, by the sets behind the kinds: a bit for each high half of a byte. */
@inline
function mayHoldSpecial(from: usize, end: usize, kinds: usize): bool {
  const low = v128.load(kinds, LOW_SET);
  const high = v128.load(kinds, HIGH_SET);
  const bits = v128(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  const lowHalf = i8x16.splat(0x0f);
  for (let at = from; at < end; at += 16) {
    const bytes = v128.load(at);
    const half = v128.and(bytes, lowHalf);
    const isHigh = i8x16.lt_s(bytes, i8x16.splat(0));
    const set = v128.bitselect(i8x16.swizzle(high, half), i8x16.swizzle(low, half), isHigh);
    const bit = i8x16.swizzle(bits, i8x16.shr_u(bytes, 4));
    const found = <u32>i8x16.bitmask(i8x16.ne(v128.and(set, bit), i8x16.splat(0)));
    if ((found & firstOf(<u32>(end - at))) != 0) return true;
  }
  return false;
}

/** A bit for each of the first sixteen bytes that there are. */
@inline
function firstOf(bytes: u32): u32 {
  return bytes >= 16 ? 0xffff : (1 << bytes) - 1;
}

function holdsSpecial(from: usize, end: usize, kinds: usize): bool {
  for (let at = from; at < end; at++) {
    const kind = kindOf(kinds, at) & (SPECIAL_ANYWHERE | SPECIAL_BEFORE_X);
    if (kind == 0) continue;
    if (kind != SPECIAL_BEFORE_X) return true;
    if (at + 1 < end && (load<u8>(at + 1) | 0x20) == 0x78) return true;
  }
  return false;
}

/** A telephone number as it is most often written. */
@inline
function isPlusAndDigits(from: usize, end: usize): bool {
  if (load<u8>(from) != 0x2b || from + 1 == end) return false;
  for (let at = from + 1; at < end; at += 16) {
    const digits = i8x16.sub(v128.load(at), i8x16.splat(0x30));
    const found = <u32>i8x16.bitmask(i8x16.gt_u(digits, i8x16.splat(9)));
    if ((found & firstOf(<u32>(end - at))) != 0) return false;
  }
  return true;
}

/**
 * A column in which some cells stand in place of others, and the others have something around them.
 * @param replaced ascending row numbers of those, `count` of them
 * @returns bytes written
 */
export function replaceCells(
  rows: u32,
  offsets: usize,
  bytes: usize,
  count: u32,
  replaced: usize,
  cellOffsets: usize,
  cells: usize,
  before: usize,
  beforeLength: u32,
  after: usize,
  afterLength: u32,
  outOffsets: usize,
  out: usize,
): u32 {
  let used: u32 = 0;
  let next: u32 = 0;
  setOffset(outOffsets, 0, 0);
  for (let row: u32 = 0; row < rows; row++) {
    if (next < count && offset(replaced, next) == row) {
      const start = offset(cellOffsets, next);
      const length = offset(cellOffsets, next + 1) - start;
      copy(out + used, cells + start, length);
      used += length;
      next++;
    } else {
      const start = offset(offsets, row);
      const length = offset(offsets, row + 1) - start;
      if (length > 0) {
        copy(out + used, before, beforeLength);
        copy(out + used + beforeLength, bytes + start, length);
        copy(out + used + beforeLength + length, after, afterLength);
        used += beforeLength + length + afterLength;
      }
    }
    setOffset(outOffsets, row + 1, used);
  }
  return used;
}
