import { DAY_MS } from '../../time/day-number.ts';

/**
 * What a workbook's cell can hold as a number. A double keeps 15 decimal digits, so a number with
 * more stays text, digit for digit; what is no number (NaN, ±Infinity) leaves the cell empty. A
 * date is a number of days since 1899-12-30 and is one from 1900-03-01 on, because Excel takes
 * 1900 for a leap year, to 9999-12-31; a date outside stays text.
 */

/** Decimal digits that every double keeps. */
export const DOUBLE_DIGITS = 15;

/** Whole numbers below this keep all their digits. */
export const DOUBLE_LIMIT = 1e15;

/** The serial number of 1970-01-01. */
export const EPOCH_SERIAL = 25_569;

export const FIRST_SERIAL = 61;
export const LAST_SERIAL = 2_958_465;

/** The serial number of a day since 1970-01-01, or NaN where Excel has none. */
export function serialOfDay(dayNumber: number): number {
  const serial = dayNumber + EPOCH_SERIAL;
  return serial >= FIRST_SERIAL && serial <= LAST_SERIAL ? serial : Number.NaN;
}

/** The serial number of a `YYYY-MM-DD`, or NaN where there is none. */
export function serialOfDate(date: string): number {
  return /^\d{4}-\d\d-\d\d$/.test(date)
    ? serialOfDay(Date.parse(`${date}T00:00:00Z`) / DAY_MS)
    : Number.NaN;
}

/** Digits after the point of {@link secondFractions}. */
const FRACTION_DIGITS = 12;

/**
 * Added to a fraction's last digit. A reader that cuts off milliseconds (SheetJS) shows the second
 * before when the double that it reads lies under the exact value; half a unit in the last place
 * of a double is 3.6e-12 days to the year 2079, 7.3e-12 to 2258.
 */
const FRACTION_LIFT = 8;

/** Seconds whose fraction of a day is a sum of powers of two, which needs no lift. */
const EXACT_STEP_SECONDS = 675;

/** Most bytes of a fraction, its point included. */
export const FRACTION_BYTES = 1 + FRACTION_DIGITS;

export interface SecondFractions {
  /** `.dddddddddddd` for every second of a day, {@link FRACTION_BYTES} apart. */
  readonly bytes: Uint8Array;
  /** How many of them say it without trailing zeros; 0 at midnight. */
  readonly lengths: Uint8Array;
}

let fractions: SecondFractions | null = null;

/**
 * Every second of a day as the fraction of a day, at most 1.2 µs above the exact value and never
 * under it: every reader tried finds the second, and to the 15 digits that Excel compares by the
 * number equals Excel's own. Made when first asked for, 1.2 MB.
 */
export function secondFractions(): SecondFractions {
  if (fractions !== null) return fractions;
  const bytes = new Uint8Array(86_400 * FRACTION_BYTES);
  const lengths = new Uint8Array(86_400);
  for (let second = 1; second < 86_400; second++) {
    let rest = fractionOf(second);
    const start = second * FRACTION_BYTES;
    bytes[start] = 0x2e;
    let length = 0;
    for (let i = FRACTION_DIGITS; i > 0; i--) {
      const digit = rest % 10;
      rest = (rest - digit) / 10;
      if (length === 0 && digit !== 0) length = i + 1;
      bytes[start + i] = 0x30 + digit;
    }
    lengths[second] = length;
  }
  fractions = { bytes, lengths };
  return fractions;
}

/** The serial number of a wall time, cut to the second; NaN where Excel has none. */
export function serialOfWall(wallMs: number): number {
  const day = Math.floor(wallMs / DAY_MS);
  const second = Math.floor((wallMs - day * DAY_MS) / 1000);
  return serialOfDay(day) + fractionOf(second) / 10 ** FRACTION_DIGITS;
}

function fractionOf(second: number): number {
  const scaled = (second / 86_400) * 10 ** FRACTION_DIGITS;
  if (second % EXACT_STEP_SECONDS === 0) return Math.round(scaled);
  return Math.ceil(scaled) + FRACTION_LIFT;
}
