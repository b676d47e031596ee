import type { Field, RowShape } from '../reports/dataset.ts';
import { isOneOf } from './locate-text.ts';
import { isDecimal, readInteger } from './number-text.ts';
import { type RejectCode, shown } from './reject.ts';
import type { Span } from './span.ts';

/** What the value of a field must be like, whatever it was read from. */
export interface ValueRule {
  readonly field: Field;
  readonly choices: readonly Buffer[] | null;
  /** It names the row. */
  readonly isKey: boolean;
  /** Of whole numbers. */
  readonly least: number;
}

export interface ValueRefusal {
  readonly code: RejectCode;
  readonly reason: string;
}

/** B-tree keys must stay far below a third of a page. */
const LONGEST_KEY_BYTES = 1024;
/** Instants outside are mistakes of whoever wrote them. */
export const FIRST_INSTANT_MS = Date.UTC(1900, 0, 1);
export const LAST_INSTANT_MS = Date.UTC(2200, 0, 1);

const WORDS = {
  ...{ text: 'a text', instant: 'an instant', integer: 'an integer', decimal: 'a decimal' },
} as const;

export function valueRule(field: Field, shape: RowShape): ValueRule {
  return {
    field,
    choices: field.values?.map((value) => Buffer.from(value)) ?? null,
    isKey: shape.naturalKey.includes(field.name),
    least: field.name.endsWith('_seconds') ? 0 : -Number.MAX_SAFE_INTEGER,
  };
}

/** Null: there may be none. */
export function refuseNone({ field }: ValueRule): ValueRefusal | null {
  if (!field.required) return null;
  const what = WORDS[field.type];
  return { code: 'missing', reason: `there is no value; expected ${what}` };
}

/**
 * Checks a text or a decimal that is not empty; choices and decimals are trimmed first, and may be
 * empty afterwards.
 * @param mayHoldNul left out: it is known that no NUL byte is in it
 */
export function refuseText(rule: ValueRule, span: Span, mayHoldNul = false): ValueRefusal | null {
  const { field, choices, isKey } = rule;
  if (field.type === 'decimal') {
    span.trim();
    if (span.start === span.end) return refuseNone(rule);
    return isDecimal(span) ? null : refused('number', span, 'a decimal such as -12.50');
  }
  if (choices) {
    span.trim();
    if (span.start === span.end) return refuseNone(rule);
    if (isOneOf(span.bytes, span.start, span.end, choices)) return null;
    return refused('choice', span, `one of ${field.values?.join(', ')}`);
  }
  if (isKey && span.end - span.start > LONGEST_KEY_BYTES) {
    return refused('text', span, `at most ${LONGEST_KEY_BYTES} bytes`);
  }
  if (mayHoldNul && span.bytes.subarray(span.start, span.end).includes(0)) {
    return refused('text', span, 'text without a NUL byte');
  }
  return null;
}

/** Checks a whole number; NaN is none. */
export function refuseInteger(rule: ValueRule, value: number): ValueRefusal | null {
  if (Number.isNaN(value)) return refuseNone(rule);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    return { code: 'number', reason: `got ${value}; expected a whole number within ±2^53` };
  }
  if (value >= rule.least) return null;
  return { code: 'number', reason: `got ${value}; expected a whole number of at least 0` };
}

/** Checks an instant in UTC epoch ms; NaN is none. */
export function refuseInstant(rule: ValueRule, value: number): ValueRefusal | null {
  if (Number.isNaN(value)) return refuseNone(rule);
  if (value >= FIRST_INSTANT_MS && value < LAST_INSTANT_MS) return null;
  return { code: 'instant', reason: 'expected a time of the years 1900 to 2199' };
}

/** Reads a whole number from text that is not empty; NaN beside a refusal. */
export function integerOf(
  rule: ValueRule,
  span: Span,
): { readonly value: number; readonly refusal: ValueRefusal | null } {
  span.trim();
  if (span.start === span.end) return { value: Number.NaN, refusal: refuseNone(rule) };
  const value = readInteger(span);
  if (Number.isNaN(value)) return { value, refusal: refused('number', span, 'a whole number') };
  return { value, refusal: refuseInteger(rule, value) };
}

function refused(code: RejectCode, span: Span, expected: string): ValueRefusal {
  return { code, reason: `got ${shown(span.text())}; expected ${expected}` };
}
