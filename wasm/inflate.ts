import {
  END_OF_BLOCK,
  extraBitsOfDistance,
  firstDistanceOf,
  LENGTHS,
  LONGEST_CODE,
  LONGEST_MATCH,
  lengthOrder,
} from './deflate';

/**
 * Inflates (RFC 1951) what comes in pieces, into memory that is used again: it stops between two
 * symbols where the input ends or the room does, and goes on from there.
 */

const LITERAL_BITS: u32 = 11;
const DISTANCE_BITS: u32 = 10;
const LENGTH_BITS: u32 = 7;
const LITERALS: u32 = 288;
const DISTANCES: u32 = 32;

/** What comes next. */
const HEAD: u32 = 0;
const STORED: u32 = 1;
const CODED: u32 = 2;
const NOTHING: u32 = 3;

/** What {@link inflate} answers. */
const MORE: u32 = 0;
const FULL: u32 = 1;
const ENDED: u32 = 2;
const DAMAGED: u32 = 3;

/** Where things stand in the state, all zero at first. The first two are for the caller. */
const CONSUMED: usize = 0;
const WRITTEN: usize = 4;
const PHASE: usize = 8;
const IS_LAST: usize = 12;
const STORED_LEFT: usize = 16;
const LITERAL_TABLE: usize = 32;
const DISTANCE_TABLE: usize = LITERAL_TABLE + (4 << LITERAL_BITS);
/** Of each length, how many codes; behind them the symbols in the order of their codes. */
const LITERAL_COUNTS: usize = DISTANCE_TABLE + (4 << DISTANCE_BITS);
const DISTANCE_COUNTS: usize = LITERAL_COUNTS + 4 * (16 + LITERALS);
const CODE_LENGTHS: usize = DISTANCE_COUNTS + 4 * (16 + DISTANCES);
const NEXT_CODES: usize = CODE_LENGTHS + LITERALS + DISTANCES;
export const INFLATE_STATE_BYTES: u32 = <u32>(NEXT_CODES + 4 * 17);

/**
 * An entry of a table: a value, how many extra bits are to be added to it, what it is, and the length
 * of its code. 0: the code is longer than the table's, or there is none.
 */
const EXTRA_SHIFT: u32 = 16;
const KIND_SHIFT: u32 = 20;
const CODE_SHIFT: u32 = 24;
const LITERAL: u32 = 0;
const MATCH: u32 = 1;
const END: u32 = 2;

/** No bits: the input ends before. */
const MISSING: u32 = 0;
const WRONG: u32 = 0xffffffff;

/**
 * @param state {@link INFLATE_STATE_BYTES}, of one stream
 * @param bytes of input at `from`, fewer than 2^28
 * @param firstBit that was not consumed
 * @param window from here on matches may reach back
 * @param out room from here to `end`, and eight bytes behind it
 * @returns whether it needs more input, or more room, or the stream ended or is damaged; in the state
 *   how many bits of the input are done with, and up to where it wrote
 */
export function inflate(
  state: usize,
  from: usize,
  bytes: u32,
  firstBit: u32,
  window: usize,
  out: usize,
  end: usize,
): u32 {
  const limit = bytes << 3;
  let bit = firstBit;
  let to = out;
  let answer = MORE;
  for (;;) {
    const phase = load<u32>(state + PHASE);
    if (phase == HEAD) {
      const next = readHead(state, from, bit, limit);
      if (next == MISSING) break;
      if (next == WRONG) {
        answer = DAMAGED;
        break;
      }
      bit = next;
    } else if (phase == STORED) {
      const left = load<u32>(state + STORED_LEFT);
      const room = <u32>(end - to);
      const some = min<u32>(min<u32>(left, room), (limit - bit) >> 3);
      memory.copy(to, from + (bit >> 3), some);
      to += some;
      bit += some << 3;
      store<u32>(state + STORED_LEFT, left - some);
      if (some < left) {
        answer = some == room ? FULL : MORE;
        break;
      }
      endBlock(state);
    } else if (phase == CODED) {
      answer = readCoded(state, from, bit, limit, window, to, end);
      bit = load<u32>(state + CONSUMED);
      to = load<u32>(state + WRITTEN);
      if (answer != ENDED) break;
      answer = MORE;
      endBlock(state);
    } else {
      answer = ENDED;
      break;
    }
  }
  store<u32>(state + CONSUMED, bit);
  store<u32>(state + WRITTEN, <u32>to);
  return answer;
}

@inline
function endBlock(state: usize): void {
  store<u32>(state + PHASE, load<u32>(state + IS_LAST) != 0 ? NOTHING : HEAD);
}

/** At least 57 bits; those behind the input are anything, within its slack. */
@inline
function bitsAt(from: usize, bit: u32): u64 {
  return load<u64>(from + (bit >> 3)) >> (bit & 7);
}

/** The symbols of one block. */
function readCoded(
  state: usize,
  from: usize,
  firstBit: u32,
  limit: u32,
  window: usize,
  out: usize,
  end: usize,
): u32 {
  const literals = state + LITERAL_TABLE;
  const distances = state + DISTANCE_TABLE;
  const lastStart = end - LONGEST_MATCH;
  let bit = firstBit;
  let to = out;
  let answer = FULL;
  while (to <= lastStart) {
    let bits = bitsAt(from, bit);
    let entry = load<u32>(literals + ((<usize>bits & ((1 << LITERAL_BITS) - 1)) << 2));
    if (entry == 0) entry = entryOfLong(bits, state + LITERAL_COUNTS, true);
    let used = entry >> CODE_SHIFT;
    const kind = (entry >> KIND_SHIFT) & 15;
    if (kind == LITERAL && entry != 0) {
      if (bit + used > limit) {
        answer = MORE;
        break;
      }
      store<u8>(to, entry);
      to++;
      bit += used;
      continue;
    }
    if (kind == END) {
      answer = bit + used > limit ? MORE : ENDED;
      if (answer == ENDED) bit += used;
      break;
    }
    bits >>= used;
    const lengthExtra = (entry >> EXTRA_SHIFT) & 15;
    const length = (entry & 0xffff) + (<u32>bits & ((1 << lengthExtra) - 1));
    bits >>= lengthExtra;
    let far = load<u32>(distances + ((<usize>bits & ((1 << DISTANCE_BITS) - 1)) << 2));
    if (far == 0) far = entryOfLong(bits, state + DISTANCE_COUNTS, false);
    bits >>= far >> CODE_SHIFT;
    const distanceExtra = (far >> EXTRA_SHIFT) & 15;
    const distance = (far & 0xffff) + (<u32>bits & ((1 << distanceExtra) - 1));
    used += lengthExtra + (far >> CODE_SHIFT) + distanceExtra;
    if (entry == 0 || far == 0 || distance > <u32>(to - window)) {
      // What stands behind the input may be anything.
      answer = limit - bit < 48 ? MORE : DAMAGED;
      break;
    }
    if (bit + used > limit) {
      answer = MORE;
      break;
    }
    copyMatch(to, distance, length);
    to += length;
    bit += used;
  }
  store<u32>(state + CONSUMED, bit);
  store<u32>(state + WRITTEN, <u32>to);
  return answer;
}

@inline
function copyMatch(to: usize, distance: u32, length: u32): void {
  const from = to - distance;
  if (distance >= 8) {
    let done: u32 = 0;
    do {
      store<u64>(to + done, load<u64>(from + done));
      done += 8;
    } while (done < length);
  } else if (distance == 1) {
    memory.fill(to, load<u8>(from), length);
  } else {
    for (let done: u32 = 0; done < length; done++) store<u8>(to + done, load<u8>(from + done));
  }
}

/** The first bit behind the head of a block, {@link MISSING} or {@link WRONG}. */
function readHead(state: usize, from: usize, bit: u32, limit: u32): u32 {
  if (bit + 3 > limit) return MISSING;
  const head = <u32>bitsAt(from, bit);
  const kind = (head >> 1) & 3;
  let next: u32 = bit + 3;
  let phase = CODED;
  if (kind == 0) {
    next = (next + 7) & ~7;
    if (next + 32 > limit) return MISSING;
    const length = load<u32>(from + (next >> 3));
    if ((length & 0xffff) != (~length >> 16)) return WRONG;
    store<u32>(state + STORED_LEFT, length & 0xffff);
    next += 32;
    phase = STORED;
  } else if (kind == 1) {
    fixedCodes(state);
  } else if (kind == 2) {
    next = readCodes(state, from, next, limit);
    if (next == MISSING || next == WRONG) return next;
  } else {
    return WRONG;
  }
  store<u32>(state + IS_LAST, head & 1);
  store<u32>(state + PHASE, phase);
  return next;
}

function fixedCodes(state: usize): void {
  const lengths = state + CODE_LENGTHS;
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  memory.fill(lengths + LITERALS, 5, DISTANCES);
  tabulate(state, lengths, LITERALS, LITERAL_TABLE, LITERAL_BITS, LITERAL_COUNTS);
  tabulate(state, lengths + LITERALS, DISTANCES, DISTANCE_TABLE, DISTANCE_BITS, DISTANCE_COUNTS);
}

/** Section 3.2.7 of RFC 1951. */
function readCodes(state: usize, from: usize, firstBit: u32, limit: u32): u32 {
  let bit = firstBit;
  if (bit + 14 > limit) return MISSING;
  const head = <u32>bitsAt(from, bit);
  const literals: u32 = 257 + (head & 31);
  const distances: u32 = 1 + ((head >> 5) & 31);
  const sent: u32 = 4 + ((head >> 10) & 15);
  if (literals > 286 || distances > 30) return WRONG;
  bit += 14;
  if (bit + 3 * sent > limit) return MISSING;
  const lengths = state + CODE_LENGTHS;
  memory.fill(lengths, 0, LENGTHS);
  for (let index: u32 = 0; index < sent; index++) {
    store<u8>(lengths + lengthOrder(index), <u32>bitsAt(from, bit) & 7);
    bit += 3;
  }
  // They are needed only until the others are read.
  if (!tabulate(state, lengths, LENGTHS, DISTANCE_TABLE, LENGTH_BITS, DISTANCE_COUNTS)) return WRONG;
  const all: u32 = literals + distances;
  for (let count: u32 = 0; count < all; ) {
    const bits = <u32>bitsAt(from, bit);
    const entry = load<u32>(
      state + DISTANCE_TABLE + ((<usize>bits & ((1 << LENGTH_BITS) - 1)) << 2),
    );
    if (entry == 0) return limit - bit < LENGTH_BITS ? MISSING : WRONG;
    const used = entry >> CODE_SHIFT;
    const symbol = entry & 0xffff;
    let length = symbol;
    let times: u32 = 1;
    let extra: u32 = 0;
    if (symbol == 16) {
      if (count == 0) return WRONG;
      length = load<u8>(lengths + count - 1);
      extra = 2;
      times = 3 + ((bits >> used) & 3);
    } else if (symbol == 17) {
      length = 0;
      extra = 3;
      times = 3 + ((bits >> used) & 7);
    } else if (symbol == 18) {
      length = 0;
      extra = 7;
      times = 11 + ((bits >> used) & 127);
    }
    bit += used + extra;
    if (bit > limit) return MISSING;
    if (count + times > all) return WRONG;
    memory.fill(lengths + count, <u8>length, times);
    count += times;
  }
  if (load<u8>(lengths + END_OF_BLOCK) == 0) return WRONG;
  const far = lengths + literals;
  return tabulate(state, lengths, literals, LITERAL_TABLE, LITERAL_BITS, LITERAL_COUNTS) &&
    tabulate(state, far, distances, DISTANCE_TABLE, DISTANCE_BITS, DISTANCE_COUNTS)
    ? bit
    : WRONG;
}

/**
 * Section 3.2.2 of RFC 1951: the codes of these lengths, as a table by the bits that come next, and
 * for the longer ones as counts and symbols. False: there are too many of them, or too few.
 */
function tabulate(
  state: usize,
  lengths: usize,
  count: u32,
  tableAt: usize,
  tableBits: u32,
  countsAt: usize,
): bool {
  const table = state + tableAt;
  const counts = state + countsAt;
  const symbols = counts + 4 * 16;
  const next = state + NEXT_CODES;
  memory.fill(table, 0, 4 << tableBits);
  memory.fill(counts, 0, 4 * 16);
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const at = counts + (<usize>load<u8>(lengths + symbol) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  store<u32>(counts, 0);
  let left: i32 = 1;
  let longest: u32 = 0;
  let before: u32 = 0;
  for (let length: u32 = 1; length <= LONGEST_CODE; length++) {
    const codes = load<u32>(counts + (<usize>length << 2));
    left = (left << 1) - codes;
    if (left < 0) return false;
    if (codes > 0) longest = length;
    store<u32>(next + (<usize>length << 2), before);
    before += codes;
  }
  // One code alone may be of one bit; no code at all is one that nobody uses.
  if (left > 0 && longest > 1) return false;
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length == 0) continue;
    const at = next + (<usize>length << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u32>(symbols + (<usize>place << 2), symbol);
  }
  let code: u32 = 0;
  let place: u32 = 0;
  for (let length: u32 = 1; length <= tableBits; length++) {
    code <<= 1;
    const codes = load<u32>(counts + (<usize>length << 2));
    for (let index: u32 = 0; index < codes; index++) {
      const symbol = load<u32>(symbols + (<usize>place << 2));
      const value = entryOf(symbol, tableAt, tableBits);
      const entry = value | (length << CODE_SHIFT);
      const step: u32 = 1 << length;
      for (let slot = reversed(code, length); value != WRONG && slot < <u32>1 << tableBits; slot += step) {
        store<u32>(table + (<usize>slot << 2), entry);
      }
      code++;
      place++;
    }
  }
  return true;
}

@inline
function reversed(code: u32, length: u32): u32 {
  let from = code;
  let to: u32 = 0;
  for (let bit: u32 = 0; bit < length; bit++) {
    to = (to << 1) | (from & 1);
    from >>= 1;
  }
  return to;
}

/** Sections 3.2.5 and 3.2.7: what a symbol stands for, without the length of its code; or {@link WRONG}. */
@inline
function entryOf(symbol: u32, tableAt: usize, tableBits: u32): u32 {
  if (tableAt == LITERAL_TABLE) return literalEntry(symbol);
  return tableBits == LENGTH_BITS ? symbol : distanceEntry(symbol);
}

function literalEntry(symbol: u32): u32 {
  if (symbol < END_OF_BLOCK) return symbol;
  if (symbol == END_OF_BLOCK) return END << KIND_SHIFT;
  if (symbol > 285) return WRONG;
  const over = symbol - 257;
  if (over < 8) return (3 + over) | (MATCH << KIND_SHIFT);
  if (over == 28) return LONGEST_MATCH | (MATCH << KIND_SHIFT);
  const extra = (over >> 2) - 1;
  return (3 + ((4 + (over & 3)) << extra)) | (extra << EXTRA_SHIFT) | (MATCH << KIND_SHIFT);
}

function distanceEntry(symbol: u32): u32 {
  if (symbol > 29) return WRONG;
  return firstDistanceOf(symbol) | (extraBitsOfDistance(symbol) << EXTRA_SHIFT);
}

/** Of a code that is longer than its table's, bit by bit; 0: there is none. */
function entryOfLong(bits: u64, counts: usize, isLiteral: bool): u32 {
  let code: u32 = 0;
  let first: u32 = 0;
  let place: u32 = 0;
  let left = bits;
  for (let length: u32 = 1; length <= LONGEST_CODE; length++) {
    code |= <u32>left & 1;
    left >>= 1;
    const codes = load<u32>(counts + (<usize>length << 2));
    if (code < first + codes) {
      const symbol = load<u32>(counts + (<usize>(16 + place + code - first) << 2));
      const value = isLiteral ? literalEntry(symbol) : distanceEntry(symbol);
      return value == WRONG ? 0 : value | (length << CODE_SHIFT);
    }
    place += codes;
    first = (first + codes) << 1;
    code <<= 1;
  }
  return 0;
}
