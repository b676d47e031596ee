import { DaybookError } from '../errors.ts';

/**
 * - `integer`: a whole number, such as a serial key.
 * - `wall`: a date and time that names no zone, such as MySQL's DATETIME.
 * - `instant`: one that does.
 */
export type WatermarkKind = 'integer' | 'wall' | 'instant';

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/**
 * A watermark as a whole number that sorts as the source sorts: the number itself, or nanoseconds
 * (of a wall time those it would have in UTC).
 * @throws DaybookError `E_INPUT`
 */
export function orderOf(kind: WatermarkKind, text: string): bigint {
  if (kind === 'integer') {
    if (/^-?\d{1,30}$/.test(text)) return BigInt(text);
    throw unreadable(text, 'a whole number');
  }
  const [, year, month, day, hour, minute, second, fraction, offset] = TIME.exec(text) ?? [];
  if (year === undefined) throw unreadable(text, 'a date and time such as 2024-01-31 08:15:00');
  const ms = Date.UTC(
    ...([year, Number(month) - 1, day, hour ?? 0, minute ?? 0, second ?? 0].map(Number) as [
      number,
      number,
    ]),
  );
  const shift = offset === undefined || offset === 'Z' ? 0 : offsetMs(offset);
  return BigInt(ms - shift) * 1_000_000n + BigInt((fraction ?? '').padEnd(9, '0'));
}

function offsetMs(text: string): number {
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(3).replace(':', '') || 0)];
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** What {@link orderOf} gave, written as the source reads it. */
export function textOf(kind: WatermarkKind, order: bigint): string {
  if (kind === 'integer') return String(order);
  const ms = order / 1_000_000n - (order % 1_000_000n < 0n ? 1n : 0n);
  const rest = order - ms * 1_000_000n;
  const text = new Date(Number(ms)).toISOString().replace('T', ' ').replace('Z', '');
  // Microseconds: finer than that no source but one sorts, and that one reads seven digits.
  const micros = String(rest / 1_000n).padStart(3, '0');
  return `${text}${micros}${kind === 'instant' ? '+00' : ''}`;
}

/** How much earlier than the newest row a row may still appear, when nothing is configured. */
export function defaultOverlap(kind: WatermarkKind): number {
  return kind === 'integer' ? 1_000 : 7_200;
}

/** The greatest order that lies `overlap` (seconds, or numbers) before `order`. */
export function before(kind: WatermarkKind, order: bigint, overlap: number): bigint {
  return order - BigInt(overlap) * (kind === 'integer' ? 1n : 1_000_000_000n);
}

/** The rows that may still have late neighbours: those from `overlap` before the greatest on. */
export function windowStart(kind: WatermarkKind, high: string, overlap: number) {
  const start = before(kind, orderOf(kind, high), overlap);
  // Rows next to each other often share their second.
  let known = '';
  let answer = false;
  return {
    isBeforeOrAt(text: string): boolean {
      if (text === known) return answer;
      known = text;
      answer = start <= orderOf(kind, text);
      return answer;
    },
  };
}

/** The later of two watermarks of one kind. */
export function later(kind: WatermarkKind, a: string | null, b: string): string {
  return a !== null && orderOf(kind, a) > orderOf(kind, b) ? a : b;
}

function unreadable(text: string, expected: string): DaybookError {
  return new DaybookError('E_INPUT', {
    where: 'watermark',
    reason: `got ${JSON.stringify(text.slice(0, 80))}; expected ${expected}`,
  });
}
