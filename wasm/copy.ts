import { big16, big32, big64, copy, floorDivide, setOffset } from './memory';

/** Rows of `COPY … (FORMAT binary)`, as messages of the protocol, into columns. */

const COPY_DATA: u32 = 0x64;
const MICROSECONDS_PER_MS: i64 = 1000;
const EPOCH_2000_MS: i64 = 946_684_800_000;

/** A column in the making: kind, data, offsets, bytes used, bytes that there is room for. */
const BUILDER_BYTES: usize = 20;
const KIND_BYTES: u32 = 0;
const KIND_INSTANT: u32 = 1;

/** Why {@link decodeRows} came back. */
const WANTS_MORE: u32 = 0;
const CHUNK_IS_FULL: u32 = 1;
const WANTS_ROOM: u32 = 2;
const SAW_TRAILER: u32 = 3;
const OTHER_MESSAGE: u32 = 4;
const NOT_A_ROW: u32 = 5;

/**
 * Decodes whole CopyData messages, a row each, behind the rows that the builders hold.
 * @param state u32 each: rows held, rows at most; written: why it came back, bytes of the row that
 *   found no room
 * @returns the address of the first message that it did not take
 */
export function decodeRows(
  from: usize,
  end: usize,
  columns: u32,
  builders: usize,
  state: usize,
): usize {
  let at = from;
  let rows = load<u32>(state);
  const mostRows = load<u32>(state, 4);
  let room: u32 = 0;
  let why = WANTS_MORE;
  while (true) {
    if (at + 5 > end) break;
    if (load<u8>(at) != COPY_DATA) {
      why = OTHER_MESSAGE;
      break;
    }
    const length = <u32>big32(at + 1);
    const next = at + 1 + length;
    if (next > end) break;
    if (length < 6) {
      why = NOT_A_ROW;
      break;
    }
    let field = at + 5;
    const count = big16(field);
    field += 2;
    if (count == 0xffff) {
      at = next;
      why = SAW_TRAILER;
      break;
    }
    if (rows == mostRows) {
      why = CHUNK_IS_FULL;
      break;
    }
    if (length > room) {
      room = roomOf(columns, builders);
      if (length > room) {
        store<u32>(state, length, 12);
        why = WANTS_ROOM;
        break;
      }
    }
    room -= length;
    if (count != columns) {
      why = NOT_A_ROW;
      break;
    }
    let builder = builders;
    for (let column: u32 = 0; column < columns; column++) {
      if (field + 4 > next) break;
      const size = big32(field);
      field += 4;
      const data = <usize>load<u32>(builder, 4);
      if (load<u32>(builder) == KIND_BYTES) {
        let used = load<u32>(builder, 12);
        if (size > 0) {
          if (field + size > next) break;
          copy(data + used, field, <u32>size);
          used += <u32>size;
          field += size;
          store<u32>(builder, used, 12);
        }
        setOffset(<usize>load<u32>(builder, 8), rows + 1, used);
      } else {
        let value = f64.NaN;
        if (size >= 0) {
          if (size != 8) {
            field = next + 1;
            break;
          }
          const whole = big64(field);
          value =
            load<u32>(builder) == KIND_INSTANT
              ? <f64>(floorDivide(whole, MICROSECONDS_PER_MS) + EPOCH_2000_MS)
              : <f64>whole;
          field += 8;
        }
        store<f64>(data + (<usize>rows << 3), value);
      }
      builder += BUILDER_BYTES;
    }
    if (field != next || builder != builders + <usize>columns * BUILDER_BYTES) {
      why = NOT_A_ROW;
      break;
    }
    rows++;
    at = next;
  }
  store<u32>(state, rows);
  store<u32>(state, why, 8);
  return at;
}

/** The least room that any column of bytes has left. */
function roomOf(columns: u32, builders: usize): u32 {
  let least = u32.MAX_VALUE;
  for (let column: u32 = 0; column < columns; column++) {
    const builder = builders + <usize>column * BUILDER_BYTES;
    if (load<u32>(builder) != KIND_BYTES) continue;
    least = min(least, load<u32>(builder, 16) - load<u32>(builder, 12));
  }
  return least;
}
