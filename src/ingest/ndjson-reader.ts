import { isUtf8 } from 'node:buffer';
import { DaybookError } from '../errors.ts';
import { Row, type RowReader, type RowVisitor } from '../mapping/row.ts';
import type { Bytes } from './byte-source.ts';
import { FlatObjects } from './flat-object.ts';
import { decodeWindows1252 } from './windows-1252.ts';

const LONGEST_LINE_BYTES = 16 * 2 ** 20;
const LF = 10;
const UNDERSCORE = 95;
const REFUSAL = '{"_refused":';
/** A text, and whether it is a name; or a number, which keeps its digits instead of becoming a float. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"([ \t\r]*:)?|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Rows of NDJSON: one object per line. Numbers come as they are written, `true` and `false` as
 * text, objects and lists as JSON; null and absent are the same. A row with `_refused` is one that
 * its sender could not read, with the reason: it becomes a reject.
 * @param columns the names that are looked for
 * @param keepRest also take along what has other names
 */
export function openNdjson(bytes: Bytes, columns: readonly string[], keepRest: boolean): RowReader {
  const iterator = bytes[Symbol.asyncIterator]();
  const row = new Row();
  const known = new Set(columns);
  const flat = keepRest ? null : new FlatObjects(columns);
  /** Texts of rows that are not flat. */
  let texts: Buffer = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  let rows = 0;
  let ended = false;

  function visitLine(line: Buffer, visit: RowVisitor): void {
    const raw = line.at(-1) === 13 ? line.subarray(0, -1) : line;
    row.notUtf8 = !isUtf8(raw);
    row.rest = null;
    row.problem = null;
    if (!row.notUtf8 && !isRefusal(raw) && flat?.read(raw, row)) {
      row.number = ++rows;
      row.raw = raw;
      visit(row);
      return;
    }
    const text = row.notUtf8 ? decodeWindows1252(raw) : raw.toString('utf8');
    if (text.trim() === '') return;
    row.number = ++rows;
    row.raw = raw;
    const values = parseObject(text);
    // Never into bytes that came.
    row.bytes = texts;
    if (typeof values === 'string') {
      row.setTexts([text]);
      row.problem = { code: 'row_shape', reason: values };
    } else {
      flat?.learn(Object.keys(values));
      row.setTexts(columns.map((name) => (Object.hasOwn(values, name) ? values[name] : null)));
      if (!Object.values(values).every((value) => value === null || value.isWellFormed())) {
        row.problem = { code: 'text', reason: 'a text holds half of a surrogate pair' };
      }
      const refused = Object.hasOwn(values, '_refused') ? values['_refused'] : null;
      if (refused !== null) row.problem = { code: 'row_shape', reason: refused.slice(0, 500) };
      if (keepRest) {
        const others = Object.entries(values).filter(([name, v]) => !known.has(name) && v !== null);
        if (others.length > 0) row.rest = Object.fromEntries(others) as Record<string, string>;
      }
    }
    texts = row.bytes;
    visit(row);
  }

  return {
    columns: null,
    async next(visit) {
      if (ended) return false;
      const { value, done } = await iterator.next();
      if (done) {
        ended = true;
        if (tail.length > 0) visitLine(tail, visit);
        return true;
      }
      const piece: Buffer = tail.length === 0 ? value : Buffer.concat([tail, value]);
      let at = 0;
      for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, at)) {
        visitLine(piece.subarray(at, end), visit);
        at = end + 1;
      }
      tail = piece.subarray(at);
      if (tail.length > LONGEST_LINE_BYTES) {
        throw new DaybookError('E_INPUT', {
          where: `row ${rows + 1}`,
          reason: `it does not end within ${LONGEST_LINE_BYTES} bytes`,
        });
      }
      return true;
    },
    close: async () => {
      await iterator.return?.();
    },
  };
}

/** `_refused` stands first in such a line. */
function isRefusal(line: Buffer): boolean {
  return line[2] === UNDERSCORE && line.toString('latin1', 0, REFUSAL.length) === REFUSAL;
}

/** Texts by name, or why the line holds no object. */
function parseObject(text: string): Record<string, string | null> | string {
  let parsed: unknown;
  let names = 0;
  const asNamed = (token: string, colon: string | undefined) => {
    if (colon === undefined) return asText(token);
    names++;
    return token;
  };
  try {
    parsed = JSON.parse(text.replace(TEXT_OR_NUMBER, asNamed));
  } catch {
    return 'the line is no JSON';
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return 'the line is no JSON object';
  }
  // Readers differ in which of two they take: what was meant is not known.
  if (names !== namesIn(parsed)) return 'a name stands twice in an object of the line';
  let whole: Record<string, unknown> | null = null;
  const values: [string, string | null][] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (value === null || typeof value === 'string') {
      values.push([name, value]);
    } else if (typeof value === 'boolean') {
      values.push([name, String(value)]);
    } else {
      whole ??= JSON.parse(text) as Record<string, unknown>;
      values.push([name, JSON.stringify(whole[name])]);
    }
  }
  return Object.fromEntries(values);
}

/** All names of an object and of those within it. */
function namesIn(value: object): number {
  let count = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) count += namesIn(inner);
  }
  return count;
}

function asText(token: string): string {
  if (token.startsWith('"')) return token;
  return /[eE]/.test(token) ? `"${withoutExponent(token)}"` : `"${token}"`;
}

/** `1.5e-7` as `0.00000015`; an exponent of more than two digits stays as it is. */
function withoutExponent(token: string): string {
  const [, sign, whole, fraction = '', exponent] =
    /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(token) ?? [];
  const shift = Number(exponent);
  if (!(Math.abs(shift) < 100)) return token;
  const digits = '0'.repeat(Math.max(0, -shift)) + whole + fraction;
  const point = Math.max(0, -shift) + whole.length + shift;
  const before =
    digits
      .slice(0, point)
      .padEnd(point, '0')
      .replace(/^0+(?=\d)/, '') || '0';
  const after = digits.slice(point);
  return `${sign}${before}${after === '' ? '' : `.${after}`}`;
}
