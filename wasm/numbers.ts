import { copy, floorDivide, number, setOffset, writeDigits } from './memory';

/** Cells of whole numbers and of instants. */

const MS_PER_DAY: i64 = 86_400_000;
const MS_PER_SECOND: i64 = 1000;

/** What a text could not be made for. */
const CANNOT: u32 = u32.MAX_VALUE;

/**
 * Whole numbers as digits; what is no number leaves its cell empty.
 * @param out room for 20 bytes a row
 * @returns bytes written; the largest u32 when a number is not whole or not below `limit`
 */
export function integerCells(
  rows: u32,
  values: usize,
  limit: f64,
  outOffsets: usize,
  out: usize,
): u32 {
  let at = out;
  setOffset(outOffsets, 0, 0);
  for (let row: u32 = 0; row < rows; row++) {
    const value = number(values, row);
    if (isFinite(value)) {
      if (!(abs(value) < limit)) return CANNOT;
      const whole = <i64>value;
      if (<f64>whole != value) return CANNOT;
      if (whole < 0) store<u8>(at++, 0x2d);
      at = writeDigits(at, <u64>(whole < 0 ? -whole : whole));
    }
    setOffset(outOffsets, row + 1, <u32>(at - out));
  }
  return <u32>(at - out);
}

/** The least and the largest of the instants that a clock shows, as two doubles; NaN for none. */
export function rangeOf(rows: u32, values: usize, limit: f64, out: usize): void {
  let least = f64.NaN;
  let largest = f64.NaN;
  for (let row: u32 = 0; row < rows; row++) {
    const value = number(values, row);
    if (!(abs(value) <= limit)) continue;
    if (!(least <= value)) least = value;
    if (!(largest >= value)) largest = value;
  }
  store<f64>(out, least);
  store<f64>(out, largest, 8);
}

/** Where the wall time of the last instant stands; the next is seldom elsewhere. */
let stretchStart: f64 = 0;
let stretchEnd: f64 = 0;
let stretchOffset: i64 = 0;

@inline
function turnTo(instant: f64, stretches: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    const stretch = stretches + i * 24;
    if (instant >= load<f64>(stretch) && instant < load<f64>(stretch, 8)) {
      stretchStart = load<f64>(stretch);
      stretchEnd = load<f64>(stretch, 8);
      stretchOffset = <i64>load<f64>(stretch, 16);
      return true;
    }
  }
  return false;
}

/**
 * Instants as `YYYY-MM-DD HH:MM:SS` of wall time, or `DD/MM/YYYY HH:MM:SS`.
 * @param stretches start, end and offset east of UTC, three doubles each, in ms
 * @param limit an instant further from 1970 leaves its cell empty, as no value does
 * @param out room for 19 bytes a row and the slack
 * @returns bytes written; the largest u32 for an instant in no stretch or not in years 0 to 9999
 */
export function wallTimeCells(
  rows: u32,
  values: usize,
  stretches: usize,
  count: u32,
  limit: f64,
  dayFirst: bool,
  outOffsets: usize,
  out: usize,
): u32 {
  let at = out;
  let day: i64 = i64.MIN_VALUE;
  let date = v128.splat<u8>(0x20);
  stretchStart = 0;
  stretchEnd = 0;
  setOffset(outOffsets, 0, 0);
  for (let row: u32 = 0; row < rows; row++) {
    const instant = number(values, row);
    if (abs(instant) <= limit) {
      if (!(instant >= stretchStart && instant < stretchEnd)) {
        if (!turnTo(instant, stretches, count)) return CANNOT;
      }
      const wall = <i64>instant + stretchOffset;
      const itsDay = floorDivide(wall, MS_PER_DAY);
      if (itsDay != day) {
        day = itsDay;
        if (!writeDate(at, day, dayFirst)) return CANNOT;
        date = v128.load(at);
      } else {
        v128.store(at, date);
      }
      writeClock(at + 11, <u32>((wall - day * MS_PER_DAY) / MS_PER_SECOND));
      at += 19;
    }
    setOffset(outOffsets, row + 1, <u32>(at - out));
  }
  return <u32>(at - out);
}

@inline
function writeTwo(at: usize, value: u32): void {
  store<u8>(at, 0x30 + value / 10);
  store<u8>(at + 1, 0x30 + (value % 10));
}

@inline
function writeClock(at: usize, second: u32): void {
  writeTwo(at, second / 3600);
  store<u8>(at + 2, 0x3a);
  writeTwo(at + 3, (second / 60) % 60);
  store<u8>(at + 5, 0x3a);
  writeTwo(at + 6, second % 60);
}

/**
 * The Gregorian date of a day since 1970-01-01 and a blank; false outside years 0 to 9999. Years
 * begin in March here, in eras of 400 of them, so that the leap day is the last.
 */
function writeDate(at: usize, day: i64, dayFirst: bool): bool {
  const shifted = day + 719_468;
  const era = floorDivide(shifted, 146_097);
  const dayOfEra = <u32>(shifted - era * 146_097);
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shiftedMonth = (5 * dayOfYear + 2) / 153;
  const dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = <i64>yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 0 || year > 9999) return false;
  const mark: u32 = dayFirst ? 0x2f : 0x2d;
  const yearAt = dayFirst ? at + 6 : at;
  writeTwo(yearAt, <u32>year / 100);
  writeTwo(yearAt + 2, <u32>year % 100);
  writeTwo(dayFirst ? at + 3 : at + 5, month);
  writeTwo(dayFirst ? at : at + 8, dayOfMonth);
  store<u8>(dayFirst ? at + 2 : at + 4, mark);
  store<u8>(dayFirst ? at + 5 : at + 7, mark);
  store<u8>(at + 10, 0x20);
  return true;
}

/**
 * Instants as serial numbers of wall time: whole days, and the fraction of the second from a table.
 * @param epoch the serial number of 1970-01-01
 * @param fractions `fractionBytes` for each second of a day; `lengths` says how many of them count
 * @returns bytes written; the largest u32 for an instant in no stretch, or whose day is not between
 *   `first` and `last`
 */
export function serialCells(
  rows: u32,
  values: usize,
  stretches: usize,
  count: u32,
  limit: f64,
  epoch: i32,
  first: i32,
  last: i32,
  fractions: usize,
  fractionBytes: u32,
  lengths: usize,
  outOffsets: usize,
  out: usize,
): u32 {
  let at = out;
  let day: i64 = i64.MIN_VALUE;
  let serial = v128.splat<u8>(0);
  let serialLength: usize = 0;
  stretchStart = 0;
  stretchEnd = 0;
  setOffset(outOffsets, 0, 0);
  for (let row: u32 = 0; row < rows; row++) {
    const instant = number(values, row);
    if (abs(instant) <= limit) {
      if (!(instant >= stretchStart && instant < stretchEnd)) {
        if (!turnTo(instant, stretches, count)) return CANNOT;
      }
      const wall = <i64>instant + stretchOffset;
      const itsDay = floorDivide(wall, MS_PER_DAY);
      if (itsDay != day) {
        day = itsDay;
        const whole = day + epoch;
        if (whole < first || whole > last) return CANNOT;
        serialLength = writeDigits(at, <u64>whole) - at;
        serial = v128.load(at);
      } else {
        v128.store(at, serial);
      }
      const second = <u32>((wall - day * MS_PER_DAY) / MS_PER_SECOND);
      const length = <u32>load<u8>(lengths + second);
      copy(at + serialLength, fractions + second * fractionBytes, length);
      at += serialLength + length;
    }
    setOffset(outOffsets, row + 1, <u32>(at - out));
  }
  return <u32>(at - out);
}
