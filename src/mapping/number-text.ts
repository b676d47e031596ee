import type { Span } from './span.ts';

/** Digits before and after the point together; far beyond any price, and what a report can add. */
const MOST_DIGITS = 60;

/** A whole number within ±2^53, `12`, `-3` or `12.0`; NaN: the text is something else. */
export function readInteger({ bytes, start, end }: Span): number {
  let at = start;
  const negative = bytes[at] === 45;
  if (negative || bytes[at] === 43) at++;
  const first = at;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (at === first || value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  if (at < end) {
    if (bytes[at] !== 46 || at + 1 === end) return Number.NaN;
    for (at++; at < end; at++) if (bytes[at] !== 48) return Number.NaN;
  }
  return negative ? -value : value;
}

/** Is it `digits[.digits]` with an optional sign? No exponent, no grouping, no bare point. */
export function isDecimal({ bytes, start, end }: Span): boolean {
  let at = start;
  if (bytes[at] === 45 || bytes[at] === 43) at++;
  const whole = skipDigits(bytes, at, end);
  if (whole === at) return false;
  if (whole < end) {
    if (bytes[whole] !== 46) return false;
    const fraction = skipDigits(bytes, whole + 1, end);
    if (fraction === whole + 1 || fraction < end) return false;
  }
  return end - at <= MOST_DIGITS + 1;
}

function skipDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] >= 48 && bytes[at] <= 57) at++;
  return at;
}
