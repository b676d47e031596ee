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

const FIRST_SERIAL = 61;
const LAST_SERIAL = 2_958_465;

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
const FRACTION_DIGITS = 10;

/** Most bytes of a fraction, its point included. */
export const FRACTION_BYTES = 1 + FRACTION_DIGITS;

export interface SecondFractions {
  /** `.dddddddddd` for every second of a day, {@link FRACTION_BYTES} apart. */
  readonly bytes: Uint8Array;
  /** How many of them say it without trailing zeros; 0 at midnight. */
  readonly lengths: Uint8Array;
}

let fractions: SecondFractions | null = null;

/**
 * Every second of a day as the fraction of a day, to ten digits: with the five digits of the day
 * that is the precision of a double, 4.3 µs off at most, and every reader tried finds the second.
 * Made when first asked for, 0.9 MB.
 */
export function secondFractions(): SecondFractions {
  if (fractions !== null) return fractions;
  const bytes = new Uint8Array(86_400 * FRACTION_BYTES);
  const lengths = new Uint8Array(86_400);
  for (let second = 1; second < 86_400; second++) {
    let rest = Math.round((second * 10 ** FRACTION_DIGITS) / 86_400);
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
