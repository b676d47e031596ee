/**
 * Deflates text fast (RFC 1951): one look back per place, by a hash of four bytes; a dynamic code
 * per block. What it makes ends on a byte boundary, with an empty stored block and without a last
 * one, and refers to nothing before it.
 */

const WINDOW: u32 = 32_768;
const HASH_BITS: u32 = 15;
export const LONGEST_MATCH: u32 = 258;
/** Bytes that a look ahead may read. */
const AHEAD: u32 = 8;
const TOKENS: u32 = 32_768;
const LONGEST_STORED: u32 = 65_535;

export const END_OF_BLOCK: u32 = 256;
const LITERALS: u32 = 286;
const DISTANCES: u32 = 30;
export const LENGTHS: u32 = 19;
export const LONGEST_CODE: u32 = 15;
const LONGEST_LENGTH_CODE: u32 = 7;

/** A token: a byte, or a match as its distance with its length above. */
const LENGTH_SHIFT: u32 = 16;
/** A code: its bits in the order of sending, with their number above. */
const BITS_SHIFT: u32 = 16;

/** Where things stand in the scratch block. */
const TABLE: usize = 0;
const TOKEN: usize = TABLE + (4 << HASH_BITS);
const LITERAL_FREQUENCY: usize = TOKEN + 4 * TOKENS;
const DISTANCE_FREQUENCY: usize = LITERAL_FREQUENCY + 4 * 288;
const LENGTH_FREQUENCY: usize = DISTANCE_FREQUENCY + 4 * 32;
const LITERAL_CODE: usize = LENGTH_FREQUENCY + 4 * 32;
const DISTANCE_CODE: usize = LITERAL_CODE + 4 * 288;
const LENGTH_CODE: usize = DISTANCE_CODE + 4 * 32;
/** Code lengths of literals, and behind them those of distances. */
const CODE_LENGTHS: usize = LENGTH_CODE + 4 * 32;
/** Code lengths as they are sent: a symbol, with what follows it above. */
const SENT: usize = CODE_LENGTHS + 352;
const KEYS: usize = SENT + 4 * 320;
const WEIGHTS: usize = KEYS + 4 * 288;
const PARENTS: usize = WEIGHTS + 4 * 576;
const DEPTH_COUNTS: usize = PARENTS + 4 * 576;
/** Of each length of a match: symbol, extra bits above, their value above that. */
const LENGTH_SYMBOLS: usize = DEPTH_COUNTS + 4 * 64;
const DISTANCE_SYMBOLS: usize = LENGTH_SYMBOLS + 4 * 260;
export const DEFLATE_SCRATCH_BYTES: u32 = <u32>(DISTANCE_SYMBOLS + 512);

let outAt: usize = 0;
let held: u64 = 0;
let heldBits: u32 = 0;

/**
 * @param bytes fewer than 2^28
 * @param scratch room for {@link DEFLATE_SCRATCH_BYTES}
 * @param out room for `bytes + bytes / 8192 + 64`
 * @returns the length of what it wrote
 */
export function deflateText(from: usize, bytes: u32, scratch: usize, out: usize): u32 {
  outAt = out;
  held = 0;
  heldBits = 0;
  memory.fill(scratch + TABLE, 0, 4 << HASH_BITS);
  fillSymbols(scratch);
  const end = from + bytes;
  // Places are kept counted from one window before the first byte, so that 0 is too far back.
  const base = from - WINDOW - 1;
  const lastHashed = bytes > AHEAD ? end - AHEAD : from;
  let at = from;
  while (at < end) {
    memory.fill(scratch + LITERAL_FREQUENCY, 0, 4 * (288 + 32));
    const blockFrom = at;
    const tokens = scratch + TOKEN;
    const tokensEnd = tokens + 4 * (TOKENS - 1);
    let token = tokens;
    let extraBits: u32 = 0;
    while (at < lastHashed && token < tokensEnd) {
      const four = load<u32>(at);
      const slot = scratch + TABLE + (<usize>((four * 0x9e3779b1) >> (32 - HASH_BITS)) << 2);
      const place = <u32>(at - base);
      const before = load<u32>(slot);
      store<u32>(slot, place);
      const distance = place - before;
      if (distance <= WINDOW && load<u32>(at - distance) == four) {
        const most = min<u32>(LONGEST_MATCH, <u32>(end - at));
        const length = matchLength(at, distance, most);
        const symbol = load<u32>(scratch + LENGTH_SYMBOLS + (<usize>length << 2));
        const distanceSymbol = distanceSymbolOf(scratch, distance);
        increase(scratch + LITERAL_FREQUENCY, symbol & 0x1ff);
        increase(scratch + DISTANCE_FREQUENCY, distanceSymbol);
        extraBits += ((symbol >> 9) & 7) + extraBitsOfDistance(distanceSymbol);
        store<u32>(token, distance | (length << LENGTH_SHIFT));
        token += 4;
        remember(scratch, at + 1, base, lastHashed);
        at += length;
        remember(scratch, at - 2, base, lastHashed);
        continue;
      }
      const literal = four & 0xff;
      increase(scratch + LITERAL_FREQUENCY, literal);
      store<u32>(token, literal);
      token += 4;
      at++;
    }
    while (at >= lastHashed && at < end && token < tokensEnd) {
      const literal = load<u8>(at++);
      increase(scratch + LITERAL_FREQUENCY, literal);
      store<u32>(token, literal);
      token += 4;
    }
    writeBlock(scratch, blockFrom, <u32>(at - blockFrom), token, extraBits);
  }
  // An empty stored block: what stands before it is whole, and on a byte boundary.
  put(0, 3);
  flush();
  if (heldBits > 0) {
    put(0, 8 - heldBits);
    flush();
  }
  store<u32>(outAt, 0xffff0000);
  return <u32>(outAt + 4 - out);
}

@inline
function increase(counts: usize, index: u32): void {
  const at = counts + (<usize>index << 2);
  store<u32>(at, load<u32>(at) + 1);
}

@inline
function remember(scratch: usize, at: usize, base: usize, lastHashed: usize): void {
  if (at >= lastHashed) return;
  const hash = (load<u32>(at) * 0x9e3779b1) >> (32 - HASH_BITS);
  store<u32>(scratch + TABLE + (<usize>hash << 2), <u32>(at - base));
}

@inline
function matchLength(at: usize, distance: u32, most: u32): u32 {
  let length: u32 = 4;
  // What stands behind the end is read, within the slack of the block, and never counted.
  while (length < most) {
    const differ = load<u64>(at + length) ^ load<u64>(at + length - distance);
    if (differ != 0) return min<u32>(most, length + <u32>(ctz(differ) >> 3));
    length += 8;
  }
  return most;
}

@inline
function distanceSymbolOf(scratch: usize, distance: u32): u32 {
  const less = distance - 1;
  return less < 256
    ? load<u8>(scratch + DISTANCE_SYMBOLS + less)
    : load<u8>(scratch + DISTANCE_SYMBOLS + 256 + (less >> 7));
}

@inline
export function extraBitsOfDistance(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

@inline
export function firstDistanceOf(symbol: u32): u32 {
  return symbol < 4 ? symbol + 1 : ((2 + (symbol & 1)) << ((symbol >> 1) - 1)) + 1;
}

/** Section 3.2.5 of RFC 1951, as tables. */
function fillSymbols(scratch: usize): void {
  for (let length: u32 = 3; length < LONGEST_MATCH; length++) {
    const over = length - 3;
    let symbol = 257 + over;
    let extra: u32 = 0;
    let value: u32 = 0;
    if (over >= 8) {
      extra = 29 - clz(over);
      symbol = 257 + (extra << 2) + (over >> extra);
      value = over & ((1 << extra) - 1);
    }
    store<u32>(
      scratch + LENGTH_SYMBOLS + (<usize>length << 2),
      symbol | (extra << 9) | (value << 12),
    );
  }
  store<u32>(scratch + LENGTH_SYMBOLS + (<usize>LONGEST_MATCH << 2), 285);
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    const first = firstDistanceOf(symbol) - 1;
    const count: u32 = 1 << extraBitsOfDistance(symbol);
    if (first < 256) {
      memory.fill(scratch + DISTANCE_SYMBOLS + first, <u8>symbol, count);
    } else {
      memory.fill(scratch + DISTANCE_SYMBOLS + 256 + (first >> 7), <u8>symbol, count >> 7);
    }
  }
}

@inline
function put(bits: u64, count: u32): void {
  held |= bits << heldBits;
  heldBits += count;
}

/** Leaves fewer than eight bits. */
@inline
function flush(): void {
  store<u64>(outAt, held);
  const whole = heldBits >> 3;
  outAt += whole;
  held >>= whole << 3;
  heldBits &= 7;
}

function writeBlock(
  scratch: usize,
  from: usize,
  bytes: u32,
  tokensEnd: usize,
  extraBits: u32,
): void {
  increase(scratch + LITERAL_FREQUENCY, END_OF_BLOCK);
  const lengths = scratch + CODE_LENGTHS;
  const literals = codeOf(
    scratch, LITERAL_FREQUENCY, LITERALS, LONGEST_CODE, lengths, LITERAL_CODE, 257,
  );
  const distances = codeOf(
    scratch, DISTANCE_FREQUENCY, DISTANCES, LONGEST_CODE, lengths + literals, DISTANCE_CODE, 1,
  );
  const sent = runsOf(scratch, lengths, literals + distances);
  const lengthOfLengths = lengths + literals + distances;
  codeOf(
    scratch, LENGTH_FREQUENCY, LENGTHS, LONGEST_LENGTH_CODE, lengthOfLengths, LENGTH_CODE, LENGTHS,
  );

  let bits = extraBits + headBits(scratch, sent);
  bits += codedBits(scratch + LITERAL_FREQUENCY, scratch + LITERAL_CODE, literals);
  bits += codedBits(scratch + DISTANCE_FREQUENCY, scratch + DISTANCE_CODE, distances);
  if (bits >> 3 >= bytes) {
    writeStored(from, bytes);
    return;
  }
  // Not the last block, with codes of its own.
  put(0b100, 3);
  put(literals - 257, 5);
  put(distances - 1, 5);
  writeHead(scratch, sent);
  writeTokens(scratch, tokensEnd);
}

function writeStored(from: usize, bytes: u32): void {
  let at = from;
  let left = bytes;
  while (left > 0) {
    const some = min<u32>(left, LONGEST_STORED);
    put(0, 3);
    flush();
    if (heldBits > 0) {
      put(0, 8 - heldBits);
      flush();
    }
    store<u32>(outAt, some | (~some << 16));
    memory.copy(outAt + 4, at, some);
    outAt += 4 + some;
    at += some;
    left -= some;
  }
}

function writeTokens(scratch: usize, tokensEnd: usize): void {
  const literalCode = scratch + LITERAL_CODE;
  const distanceCode = scratch + DISTANCE_CODE;
  let to = outAt;
  let buffer = held;
  let count = heldBits;
  for (let at = scratch + TOKEN; at < tokensEnd; at += 4) {
    // A match takes 48 bits at the most.
    if (count > 15) {
      store<u64>(to, buffer);
      const whole = count >> 3;
      to += whole;
      buffer >>= whole << 3;
      count &= 7;
    }
    const token = load<u32>(at);
    const length = token >> LENGTH_SHIFT;
    if (length == 0) {
      const code = load<u32>(literalCode + (<usize>token << 2));
      buffer |= (<u64>(code & 0xffff)) << count;
      count += code >> BITS_SHIFT;
      continue;
    }
    const symbol = load<u32>(scratch + LENGTH_SYMBOLS + (<usize>length << 2));
    const code = load<u32>(literalCode + (<usize>(symbol & 0x1ff) << 2));
    buffer |= (<u64>(code & 0xffff)) << count;
    count += code >> BITS_SHIFT;
    buffer |= (<u64>(symbol >> 12)) << count;
    count += (symbol >> 9) & 7;
    const distance = token & 0xffff;
    const distanceSymbol = distanceSymbolOf(scratch, distance);
    const second = load<u32>(distanceCode + (<usize>distanceSymbol << 2));
    buffer |= (<u64>(second & 0xffff)) << count;
    count += second >> BITS_SHIFT;
    buffer |= (<u64>(distance - firstDistanceOf(distanceSymbol))) << count;
    count += extraBitsOfDistance(distanceSymbol);
  }
  outAt = to;
  held = buffer;
  heldBits = count;
  flush();
  const last = load<u32>(literalCode + (<usize>END_OF_BLOCK << 2));
  put(last & 0xffff, last >> BITS_SHIFT);
  flush();
}

/** The order in which the lengths of the codes of code lengths are sent. */
@inline
export function lengthOrder(index: u32): u32 {
  // 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
  if (index < 3) return 16 + index;
  if (index == 3) return 0;
  const step = (index - 3) >> 1;
  return (index & 1) == 0 ? 8 + step : 8 - step;
}

function lengthsSent(scratch: usize): u32 {
  let count: u32 = LENGTHS;
  while (count > 4 && load<u32>(scratch + LENGTH_CODE + (<usize>lengthOrder(count - 1) << 2)) == 0) {
    count--;
  }
  return count;
}

function headBits(scratch: usize, sent: u32): u32 {
  let bits: u32 = 17 + 3 * lengthsSent(scratch);
  for (let index: u32 = 0; index < sent; index++) {
    const symbol = load<u32>(scratch + SENT + (<usize>index << 2)) & 0xff;
    bits += (load<u32>(scratch + LENGTH_CODE + (<usize>symbol << 2)) >> BITS_SHIFT) + runBits(symbol);
  }
  return bits;
}

function writeHead(scratch: usize, sent: u32): void {
  const count = lengthsSent(scratch);
  put(count - 4, 4);
  for (let index: u32 = 0; index < count; index++) {
    put(load<u32>(scratch + LENGTH_CODE + (<usize>lengthOrder(index) << 2)) >> BITS_SHIFT, 3);
    flush();
  }
  for (let index: u32 = 0; index < sent; index++) {
    const run = load<u32>(scratch + SENT + (<usize>index << 2));
    const code = load<u32>(scratch + LENGTH_CODE + (<usize>(run & 0xff) << 2));
    put(code & 0xffff, code >> BITS_SHIFT);
    put(run >> 8, runBits(run & 0xff));
    flush();
  }
}

@inline
function runBits(symbol: u32): u32 {
  return symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
}

/** Code lengths as runs: 16 repeats the last one 3 to 6 times, 17 and 18 are zeros. */
function runsOf(scratch: usize, lengths: usize, count: u32): u32 {
  memory.fill(scratch + LENGTH_FREQUENCY, 0, 4 * 32);
  let sent: u32 = 0;
  let at: u32 = 0;
  while (at < count) {
    const length = <u32>load<u8>(lengths + at);
    let same: u32 = 1;
    while (at + same < count && <u32>load<u8>(lengths + at + same) == length) same++;
    at += same;
    if (length == 0) {
      while (same >= 3) {
        const some = min<u32>(same, 138);
        sent = send(scratch, sent, some <= 10 ? 17 : 18, some <= 10 ? some - 3 : some - 11);
        same -= some;
      }
    } else {
      sent = send(scratch, sent, length, 0);
      same--;
      while (same >= 3) {
        const some = min<u32>(same, 6);
        sent = send(scratch, sent, 16, some - 3);
        same -= some;
      }
    }
    for (; same > 0; same--) sent = send(scratch, sent, length, 0);
  }
  // A code of a single symbol would be no whole code.
  if (load<u32>(scratch + LENGTH_FREQUENCY) == 0) store<u32>(scratch + LENGTH_FREQUENCY, 1);
  if (load<u32>(scratch + LENGTH_FREQUENCY + 4) == 0) store<u32>(scratch + LENGTH_FREQUENCY + 4, 1);
  return sent;
}

@inline
function send(scratch: usize, sent: u32, symbol: u32, more: u32): u32 {
  increase(scratch + LENGTH_FREQUENCY, symbol);
  store<u32>(scratch + SENT + (<usize>sent << 2), symbol | (more << 8));
  return sent + 1;
}

function codedBits(frequencies: usize, codes: usize, count: u32): u32 {
  let bits: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const at = <usize>index << 2;
    bits += load<u32>(frequencies + at) * (load<u32>(codes + at) >> BITS_SHIFT);
  }
  return bits;
}

/**
 * Huffman's code, with no code longer than `longest`: code lengths into `lengths`, codes into
 * `codes`.
 * @returns how many symbols there are up to the last one that occurs, at least `least`
 */
function codeOf(
  scratch: usize,
  frequency: usize,
  symbols: u32,
  longest: u32,
  lengths: usize,
  code: usize,
  least: u32,
): u32 {
  const frequencies = scratch + frequency;
  const codes = scratch + code;
  const keys = scratch + KEYS;
  const weights = scratch + WEIGHTS;
  const parents = scratch + PARENTS;
  const counts = scratch + DEPTH_COUNTS;
  let used: u32 = 0;
  let count: u32 = least;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    store<u32>(codes + (<usize>symbol << 2), 0);
    const times = load<u32>(frequencies + (<usize>symbol << 2));
    if (times == 0) continue;
    store<u32>(keys + (<usize>used << 2), (times << 9) | symbol);
    used++;
    if (symbol >= count) count = symbol + 1;
  }
  memory.fill(lengths, 0, count);
  memory.fill(counts, 0, 4 * 64);
  if (used == 0) return count;
  if (used == 1) {
    const symbol = load<u32>(keys) & 0x1ff;
    store<u8>(lengths + symbol, 1);
    store<u32>(codes + (<usize>symbol << 2), 1 << BITS_SHIFT);
    return count;
  }
  sort(keys, used);
  for (let leaf: u32 = 0; leaf < used; leaf++) {
    store<u32>(weights + (<usize>leaf << 2), load<u32>(keys + (<usize>leaf << 2)) >> 9);
  }
  // Leaves in ascending order, and nodes behind them, which come to be in ascending order too.
  const nodes: u32 = 2 * used - 1;
  let leaf: u32 = 0;
  let node: u32 = used;
  for (let next: u32 = used; next < nodes; next++) {
    let weight: u32 = 0;
    for (let child: u32 = 0; child < 2; child++) {
      const takesLeaf =
        leaf < used &&
        (node >= next ||
          load<u32>(weights + (<usize>leaf << 2)) <= load<u32>(weights + (<usize>node << 2)));
      const taken = takesLeaf ? leaf++ : node++;
      weight += load<u32>(weights + (<usize>taken << 2));
      store<u32>(parents + (<usize>taken << 2), next);
    }
    store<u32>(weights + (<usize>next << 2), weight);
  }
  // Depths take the place of the weights.
  store<u32>(weights + (<usize>(nodes - 1) << 2), 0);
  for (let index: i32 = nodes - 2; index >= 0; index--) {
    const parent = load<u32>(parents + (<usize>index << 2));
    const depth = load<u32>(weights + (<usize>parent << 2)) + 1;
    store<u32>(weights + (<usize>index << 2), depth);
    if (<u32>index < used) increase(counts, min<u32>(depth, longest));
  }
  limitDepths(counts, longest);
  // The rarest get the longest.
  let rank: u32 = 0;
  for (let depth = longest; depth > 0; depth--) {
    for (let left = load<u32>(counts + (<usize>depth << 2)); left > 0; left--) {
      const symbol = load<u32>(keys + (<usize>rank << 2)) & 0x1ff;
      store<u8>(lengths + symbol, <u8>depth);
      rank++;
    }
  }
  nameCodes(counts, longest, lengths, codes, count);
  return count;
}

/** Makes room for what was cut to the longest depth, until the code is whole. */
function limitDepths(counts: usize, longest: u32): void {
  let taken: u32 = 0;
  for (let depth: u32 = 1; depth <= longest; depth++) {
    taken += load<u32>(counts + (<usize>depth << 2)) << (longest - depth);
  }
  const all: u32 = 1 << longest;
  while (taken > all) {
    const last = counts + (<usize>longest << 2);
    store<u32>(last, load<u32>(last) - 1);
    for (let depth = longest - 1; depth > 0; depth--) {
      const at = counts + (<usize>depth << 2);
      const some = load<u32>(at);
      if (some == 0) continue;
      store<u32>(at, some - 1);
      store<u32>(at + 4, load<u32>(at + 4) + 2);
      break;
    }
    taken--;
  }
}

/** Section 3.2.2 of RFC 1951; bits in the order in which they are sent. */
function nameCodes(counts: usize, longest: u32, lengths: usize, codes: usize, count: u32): void {
  const next = counts + 4 * 32;
  let first: u32 = 0;
  for (let depth: u32 = 1; depth <= longest; depth++) {
    store<u32>(next + (<usize>depth << 2), first);
    first = (first + load<u32>(counts + (<usize>depth << 2))) << 1;
  }
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length == 0) continue;
    const at = next + (<usize>length << 2);
    const value = load<u32>(at);
    store<u32>(at, value + 1);
    store<u32>(codes + (<usize>symbol << 2), reversed(value, length) | (length << BITS_SHIFT));
  }
}

@inline
function reversed(value: u32, bits: u32): u32 {
  let from = value;
  let to: u32 = 0;
  for (let left = bits; left > 0; left--) {
    to = (to << 1) | (from & 1);
    from >>= 1;
  }
  return to;
}

/** Ascending; with shrinking gaps, for some hundred keys that come unordered. */
function sort(keys: usize, count: u32): void {
  for (let gap: u32 = 40; gap > 0; gap = gap == 40 ? 13 : gap == 13 ? 4 : gap == 4 ? 1 : 0) {
    for (let index = gap; index < count; index++) {
      const key = load<u32>(keys + (<usize>index << 2));
      let at = index;
      while (at >= gap) {
        const before = load<u32>(keys + (<usize>(at - gap) << 2));
        if (before <= key) break;
        store<u32>(keys + (<usize>at << 2), before);
        at -= gap;
      }
      store<u32>(keys + (<usize>at << 2), key);
    }
  }
}
