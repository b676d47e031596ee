import { DateTime } from 'luxon';
import { dateMs, type TimeReader, type WallReading } from './wall-reading.ts';

/**
 * A format of Luxon's tokens, compiled to a reader of bytes. Covered here: `yyyy yy MM M MMM MMMM
 * dd d HH H hh h mm m ss s SSS S u a Z ZZ ZZZ X x` (months in English) and text, plain or in
 * 'quotes'. A format with any other token is read by Luxon, about twenty times slower.
 */
export interface TimeFormat {
  readonly read: TimeReader;
  readonly hasDate: boolean;
  readonly hasTime: boolean;
  /** Its texts say their own offset or are epoch numbers: no zone is needed. */
  readonly hasOffset: boolean;
}

type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'ms' | 'offset' | 'epoch';

interface Fields {
  at: number;
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
  /** 0 am, 1 pm, -1 not said. */
  half: number;
  offsetMs: number;
  epochMs: number;
}

type Step = (bytes: Uint8Array, end: number, fields: Fields) => boolean;

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** Null: the text holds no token that says a date or a time. */
export function compileTimeFormat(format: string): TimeFormat | null {
  const pieces = piecesOf(format);
  const parts = new Set<Part>();
  const steps: Step[] = [];
  let unknown = false;
  for (const piece of pieces) {
    if (piece.literal) {
      steps.push(literal(piece.text));
      continue;
    }
    const token = TOKENS[piece.text];
    if (token) {
      if (token.part !== null) parts.add(token.part);
      steps.push(token.step);
    } else {
      unknown = true;
    }
  }
  if (unknown) return luxonFormat(format);
  if (parts.size === 0) return null;
  const hasEpoch = parts.has('epoch');
  const hasDate = hasEpoch || parts.has('year') || parts.has('month') || parts.has('day');
  const hasTime = hasEpoch || parts.has('hour') || parts.has('minute') || parts.has('second');
  const fields: Fields = {
    at: 0,
    year: 0,
    month: 0,
    day: 0,
    hour: 0,
    minute: 0,
    second: 0,
    ms: 0,
    half: -1,
    offsetMs: Number.NaN,
    epochMs: Number.NaN,
  };
  const read: TimeReader = (bytes, start, end, into) => {
    fields.at = start;
    fields.year = 1970;
    fields.month = fields.day = 1;
    fields.hour = fields.minute = fields.second = fields.ms = 0;
    fields.half = -1;
    fields.offsetMs = Number.NaN;
    for (const step of steps) if (!step(bytes, end, fields)) return false;
    return fields.at === end && conclude(fields, hasEpoch, hasDate, hasTime, into);
  };
  return { read, hasDate, hasTime, hasOffset: hasEpoch || parts.has('offset') };
}

function conclude(
  fields: Fields,
  hasEpoch: boolean,
  hasDate: boolean,
  hasTime: boolean,
  into: WallReading,
): boolean {
  if (hasEpoch) {
    into.wallMs = fields.epochMs;
    into.offsetMs = 0;
    into.dateOnly = false;
    return true;
  }
  let { hour } = fields;
  if (fields.half >= 0) {
    if (hour < 1 || hour > 12) return false;
    hour = (hour % 12) + 12 * fields.half;
  }
  if (hour > 23 || fields.minute > 59 || fields.second > 59) return false;
  const date = hasDate ? dateMs(fields.year, fields.month, fields.day) : 0;
  if (Number.isNaN(date)) return false;
  into.wallMs = date + ((hour * 60 + fields.minute) * 60 + fields.second) * 1000 + fields.ms;
  into.offsetMs = fields.offsetMs;
  into.dateOnly = !hasTime;
  return true;
}

/** Runs of one letter are tokens; `'…'` and everything that is no letter is text. */
function piecesOf(format: string): { text: string; literal: boolean }[] {
  const pieces: { text: string; literal: boolean }[] = [];
  for (const match of format.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+/g)) {
    const letters = match[2] !== undefined;
    pieces.push({ text: letters ? match[0] : (match[1] ?? match[0]), literal: !letters });
  }
  return pieces;
}

function literal(text: string): Step {
  const wanted = Buffer.from(text);
  return (bytes, end, fields) => {
    if (fields.at + wanted.length > end) return false;
    for (let i = 0; i < wanted.length; i++) if (bytes[fields.at + i] !== wanted[i]) return false;
    fields.at += wanted.length;
    return true;
  };
}

/** `least` to `most` digits, as many as there are. */
function number(least: number, most: number, store: (fields: Fields, value: number) => void): Step {
  return (bytes, end, fields) => {
    const until = Math.min(end, fields.at + most);
    let at = fields.at;
    let value = 0;
    for (; at < until; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at - fields.at < least) return false;
    fields.at = at;
    store(fields, value);
    return true;
  };
}

/** A fraction of a second: digits after the point, cut to milliseconds. */
const fraction: Step = (bytes, end, fields) => {
  const start = fields.at;
  let ms = 0;
  let weight = 100;
  for (; fields.at < end && bytes[fields.at] >= 48 && bytes[fields.at] <= 57; fields.at++) {
    ms += (bytes[fields.at] - 48) * weight;
    weight = Math.trunc(weight / 10);
  }
  fields.ms = ms;
  return fields.at > start;
};

function monthName(shortest: boolean): Step {
  const names = MONTHS.map((name) => Buffer.from(shortest ? name.slice(0, 3) : name));
  return (bytes, end, fields) => {
    for (let month = 0; month < 12; month++) {
      const name = names[month];
      if (fields.at + name.length > end) continue;
      if (!name.every((letter, i) => (bytes[fields.at + i] | 32) === letter)) continue;
      fields.at += name.length;
      fields.month = month + 1;
      return true;
    }
    return false;
  };
}

const meridiem: Step = (bytes, end, fields) => {
  if (fields.at + 2 > end || (bytes[fields.at + 1] | 32) !== 109) return false;
  const letter = bytes[fields.at] | 32;
  if (letter !== 97 && letter !== 112) return false;
  fields.half = letter === 112 ? 1 : 0;
  fields.at += 2;
  return true;
};

/** `+5`, `+05`, `+0530` or `+05:30`. */
const offset: Step = (bytes, end, fields) => {
  const match = /^([+-])(\d{1,2})(?::?(\d{2}))?/.exec(
    Buffer.from(bytes.subarray(fields.at, Math.min(end, fields.at + 6))).toString('latin1'),
  );
  if (!match || Number(match[2]) > 23 || Number(match[3] ?? 0) > 59) return false;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  fields.offsetMs = (match[1] === '-' ? -1 : 1) * minutes * 60_000;
  fields.at += match[0].length;
  return true;
};

const epoch = (unitMs: number): Step =>
  number(1, 16, (fields, value) => {
    fields.epochMs = value * unitMs;
  });

const year = (fields: Fields, value: number) => {
  fields.year = value;
};
/** As Luxon reads them: up to 60 is 20xx. */
const shortYear = (fields: Fields, value: number) => {
  fields.year = value > 60 ? 1900 + value : 2000 + value;
};
const month = (fields: Fields, value: number) => {
  fields.month = value;
};
const day = (fields: Fields, value: number) => {
  fields.day = value;
};
const hour = (fields: Fields, value: number) => {
  fields.hour = value;
};
const minute = (fields: Fields, value: number) => {
  fields.minute = value;
};
const second = (fields: Fields, value: number) => {
  fields.second = value;
};
const millisecond = (fields: Fields, value: number) => {
  fields.ms = value;
};

const TOKENS: Readonly<Record<string, { part: Part | null; step: Step }>> = {
  yyyy: { part: 'year', step: number(4, 4, year) },
  yy: { part: 'year', step: number(2, 2, shortYear) },
  MM: { part: 'month', step: number(2, 2, month) },
  M: { part: 'month', step: number(1, 2, month) },
  MMM: { part: 'month', step: monthName(true) },
  MMMM: { part: 'month', step: monthName(false) },
  dd: { part: 'day', step: number(2, 2, day) },
  d: { part: 'day', step: number(1, 2, day) },
  HH: { part: 'hour', step: number(2, 2, hour) },
  H: { part: 'hour', step: number(1, 2, hour) },
  hh: { part: 'hour', step: number(2, 2, hour) },
  h: { part: 'hour', step: number(1, 2, hour) },
  mm: { part: 'minute', step: number(2, 2, minute) },
  m: { part: 'minute', step: number(1, 2, minute) },
  ss: { part: 'second', step: number(2, 2, second) },
  s: { part: 'second', step: number(1, 2, second) },
  SSS: { part: 'ms', step: number(3, 3, millisecond) },
  S: { part: 'ms', step: number(1, 3, millisecond) },
  u: { part: 'ms', step: fraction },
  a: { part: null, step: meridiem },
  Z: { part: 'offset', step: offset },
  ZZ: { part: 'offset', step: offset },
  ZZZ: { part: 'offset', step: offset },
  X: { part: 'epoch', step: epoch(1000) },
  x: { part: 'epoch', step: epoch(1) },
};

function luxonFormat(format: string): TimeFormat | null {
  const parser = DateTime.buildFormatParser(format, { locale: 'en' });
  const hasOffset = /Z|z/.test(format.replace(/'[^']*'/g, ''));
  const sample = DateTime.fromMillis(0, { zone: 'utc' }).toFormat(format, { locale: 'en' });
  const probe = DateTime.fromFormatParser(sample, parser, { zone: 'utc', locale: 'en' });
  if (!probe.isValid) return null;
  const read: TimeReader = (bytes, start, end, into) => {
    const text = Buffer.from(bytes.subarray(start, end)).toString('utf8');
    const time = DateTime.fromFormatParser(text, parser, {
      zone: 'utc',
      locale: 'en',
      setZone: hasOffset,
    });
    if (!time.isValid) return false;
    into.offsetMs = hasOffset ? time.offset * 60_000 : Number.NaN;
    into.wallMs = time.toMillis() + time.offset * 60_000;
    into.dateOnly = false;
    return true;
  };
  return { read, hasDate: true, hasTime: true, hasOffset };
}
