import { DaybookError } from '../errors.ts';
import { dateMs, digitsAt, WallReading } from './wall-reading.ts';

const MINUS = 45;
const COLON = 58;

/**
 * ISO 8601 as machines write it: `YYYY-MM-DD`, then `T` or a space and `HH:MM[:SS[.fraction]]`,
 * then `Z` or `±HH[[:]MM]` or nothing. A fraction is cut to milliseconds. `24:00` and leap seconds
 * are not read.
 */
export function readIso(bytes: Uint8Array, start: number, end: number, into: WallReading): boolean {
  const year = digitsAt(bytes, start, end, 4);
  const month = digitsAt(bytes, start + 5, end, 2);
  const day = digitsAt(bytes, start + 8, end, 2);
  if (year < 0 || month < 0 || day < 0) return false;
  if (bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS) return false;
  into.wallMs = dateMs(year, month, day);
  if (Number.isNaN(into.wallMs)) return false;
  into.offsetMs = Number.NaN;
  let at = start + 10;
  into.dateOnly = at === end;
  if (into.dateOnly) return true;

  const separator = bytes[at];
  if (separator !== 84 && separator !== 116 && separator !== 32) return false;
  const hour = digitsAt(bytes, at + 1, end, 2);
  const minute = digitsAt(bytes, at + 4, end, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || bytes[at + 3] !== COLON) return false;
  at += 6;
  let second = 0;
  let ms = 0;
  if (at < end && bytes[at] === COLON) {
    second = digitsAt(bytes, at + 1, end, 2);
    if (second < 0 || second > 59) return false;
    at += 3;
    if (at < end && (bytes[at] === 46 || bytes[at] === 44)) {
      const first = ++at;
      for (let weight = 100; at < end && bytes[at] >= 48 && bytes[at] <= 57; at++) {
        ms += (bytes[at] - 48) * weight;
        weight = Math.trunc(weight / 10);
      }
      if (at === first) return false;
    }
  }
  into.wallMs += ((hour * 60 + minute) * 60 + second) * 1000 + ms;
  return at === end || readOffset(bytes, at, end, into);
}

/** `Z` or `±HH[[:]MM]` that fills `[at, end)`. */
export function readOffset(bytes: Uint8Array, at: number, end: number, into: WallReading): boolean {
  const sign = bytes[at];
  if (sign === 90 || sign === 122) {
    into.offsetMs = 0;
    return at + 1 === end;
  }
  if (sign !== 43 && sign !== MINUS) return false;
  const hours = digitsAt(bytes, at + 1, end, 2);
  if (hours < 0 || hours > 23) return false;
  let minutes = 0;
  let next = at + 3;
  if (next < end) {
    if (bytes[next] === COLON) next++;
    minutes = digitsAt(bytes, next, end, 2);
    if (minutes < 0 || minutes > 59) return false;
    next += 2;
  }
  into.offsetMs = (sign === MINUS ? -1 : 1) * (hours * 60 + minutes) * 60_000;
  return next === end;
}

/**
 * An instant that says its own offset, as UTC epoch ms.
 * @throws DaybookError `E_INVALID`
 */
export function parseInstant(text: string, where: string): number {
  const bytes = Buffer.from(text);
  const reading = new WallReading();
  if (readIso(bytes, 0, bytes.length, reading) && !Number.isNaN(reading.offsetMs)) {
    return reading.wallMs - reading.offsetMs;
  }
  throw new DaybookError('E_INVALID', {
    where,
    got: text,
    expected: 'an instant with an offset, such as 2024-02-01T00:00:00Z',
  });
}
