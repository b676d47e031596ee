import { instantOfLocal } from '../time/local-time.ts';
import { parseDate } from '../time/period.ts';

const ISO_INSTANT =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * An instant in a filter in its one form: with an offset as UTC (`…Z`), without one as local time.
 * Null for what is no ISO 8601 date and time of day.
 */
export function normalInstant(text: string): string | null {
  const parts = partsOf(text);
  if (parts === null) return null;
  const { offsetMs, local, localMs } = parts;
  return offsetMs === null ? local : new Date(localMs - offsetMs).toISOString();
}

/**
 * UTC epoch ms of a {@link normalInstant}. A local time that the clocks of the zone skip is the
 * first instant after the gap; one that they show twice is the first.
 */
export function instantOfFilter(text: string, zone: string): number {
  const parts = partsOf(text);
  if (parts === null) throw new RangeError(`${JSON.stringify(text)} is no instant`);
  if (parts.offsetMs !== null) return parts.localMs - parts.offsetMs;
  const wall = new Date(parts.localMs);
  return instantOfLocal(zone, {
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    hour: wall.getUTCHours(),
    minute: wall.getUTCMinutes(),
    second: wall.getUTCSeconds(),
    ms: wall.getUTCMilliseconds(),
  }).instant;
}

function partsOf(text: string) {
  const match = ISO_INSTANT.exec(text);
  if (match === null) return null;
  const [, date, hour, minute, second = '00', fraction = '', offset] = match;
  if (!isDate(date) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const local = `${date}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0')}`;
  const offsetMs = offset === undefined ? null : offsetOf(offset);
  if (offsetMs !== null && Math.abs(offsetMs) > 18 * 3_600_000) return null;
  return { local, localMs: Date.parse(`${local}Z`), offsetMs };
}

function isDate(text: string): boolean {
  try {
    return parseDate(text, 'where') === text;
  } catch {
    return false;
  }
}

function offsetOf(text: string): number {
  if (text === 'Z') return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  return (text.startsWith('-') ? -minutes : minutes) * 60_000;
}
