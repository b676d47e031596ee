/** What a text says about time: read by {@link readIso} or by a compiled format. */
export class WallReading {
  /** What the clock shows, as the epoch ms it would be in UTC. Without a date: ms of the day. */
  wallMs = 0;
  /** Milliseconds east of UTC that the text itself says; NaN: it says none. */
  offsetMs = Number.NaN;
  /** There is no time of day in it. */
  dateOnly = false;
}

/** Reads `bytes[start, end)`; false: the text is not of this form. */
export type TimeReader = (
  bytes: Uint8Array,
  start: number,
  end: number,
  into: WallReading,
) => boolean;

const DAY_MS = 86_400_000;
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Epoch ms of a date's midnight in UTC; NaN: there is no such date. */
export function dateMs(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month - 1]) return Number.NaN;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) {
    return Number.NaN;
  }
  // Days since 1970-01-01, with years that start in March so that a leap day is a year's last.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * DAY_MS;
}

/** `count` digits at `at`; -1: something else stands there. */
export function digitsAt(bytes: Uint8Array, at: number, end: number, count: number): number {
  if (at + count > end) return -1;
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = bytes[i] - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
