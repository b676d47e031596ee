import type { Field } from '../reports/dataset.ts';
import type { FieldSource, SourceText } from './load-map.ts';
import { booleanAt, fail, type Json, objectAt, scalarAt, textAt, textsAt } from './map-values.ts';
import { formatOf } from './parse-formats.ts';
import { fallbackAt, rulesAt } from './parse-value-rules.ts';
import type { TimeFormat } from './time-format.ts';

const TEXT_KEYS = ['column', 'join', 'first', 'value', 'row_number', 'latest'];
const SOURCE_KEYS = [
  ...TEXT_KEYS,
  'with',
  'format',
  'formats',
  'after',
  'skew_seconds',
  'when',
  'match',
  'table',
  'otherwise',
  'trim',
  'empty',
  'default',
];
const DEFAULT_SKEW_SECONDS = 300;
const LONGEST_SKEW_SECONDS = 43_200;
const CLOCK_FORMAT = 'H:mm:ss';

/**
 * Checks the source of one field.
 * @param outer what a `latest` around it says for all of its columns
 * @throws DaybookError `E_MAP`
 */
export function parseFieldSource(
  where: string,
  raw: unknown,
  field: Field,
  zone: string | null,
  outer: Json = {},
): FieldSource {
  const own: Json = typeof raw === 'string' ? { column: raw } : objectAt(where, raw, SOURCE_KEYS);
  const given = TEXT_KEYS.filter((key) => own[key] !== undefined);
  if (given.length !== 1) {
    fail(where, given.length === 0 ? raw : given.join(' and '), `one of ${TEXT_KEYS.join(', ')}`);
  }
  if (own['with'] !== undefined && given[0] !== 'join') {
    fail(`${where}.with`, own['with'], 'it only beside join');
  }
  const all: Json = { ...outer, ...own };
  const instant = field.type === 'instant';
  for (const key of ['format', 'formats', 'after', 'skew_seconds', 'latest']) {
    if (own[key] !== undefined && !instant) {
      fail(`${where}.${key}`, own[key], `it only for instants; ${field.name} is ${field.type}`);
    }
  }
  if (given[0] === 'latest') return latestAt(where, own, field, zone);
  const after = all['after'] === undefined ? null : textAt(`${where}.after`, all['after']);
  if (own['skew_seconds'] !== undefined && after === null) {
    fail(`${where}.skew_seconds`, own['skew_seconds'], 'it only beside after');
  }
  const { format, formatText } = formatOf(where, all, after === null ? null : CLOCK_FORMAT);
  if (format) checkFormat(where, format, formatText, after, zone);
  const trim = all['trim'] !== undefined && booleanAt(`${where}.trim`, all['trim']);
  const fallback = fallbackAt(`${where}.default`, all['default'], field);
  const empty = all['empty'] === undefined ? [] : textsAt(`${where}.empty`, all['empty']);
  return {
    where,
    text: textSourceAt(where, own),
    trim,
    // So that nobody takes the column itself for the field.
    empty: trim || fallback !== null ? [...empty, ''] : empty,
    when: all['when'] === undefined ? null : whenAt(`${where}.when`, all['when']),
    match: rulesAt(where, own, field),
    format,
    formatText,
    after,
    skewMs: skewAt(`${where}.skew_seconds`, all['skew_seconds']) * 1000,
    fallback,
  };
}

/** What stands beside `latest` counts for each of its columns, unless one says otherwise. */
function latestAt(where: string, own: Json, field: Field, zone: string | null): FieldSource {
  const of = own['latest'];
  if (!Array.isArray(of) || of.length === 0) {
    fail(`${where}.latest`, of, 'a list of columns or sources');
  }
  for (const key of ['match', 'table', 'otherwise', 'default']) {
    if (own[key] !== undefined) fail(`${where}.${key}`, own[key], 'it not beside latest');
  }
  const { latest: _, when, ...outer } = own;
  const sources = (of as unknown[]).map((each, i) => {
    const at = `${where}.latest[${i}]`;
    const source = parseFieldSource(at, each, field, zone, outer);
    if (source.text.kind === 'latest') fail(at, each, 'a column, not another latest');
    return source;
  });
  return {
    where,
    text: { kind: 'latest', of: sources },
    trim: false,
    empty: [],
    when: when === undefined ? null : whenAt(`${where}.when`, when),
    match: null,
    format: null,
    formatText: null,
    after: null,
    skewMs: 0,
    fallback: null,
  };
}

function textSourceAt(where: string, own: Json): SourceText {
  if (own['column'] !== undefined) {
    return { kind: 'column', column: textAt(`${where}.column`, own['column']) };
  }
  if (own['value'] !== undefined) {
    return { kind: 'value', value: scalarAt(`${where}.value`, own['value']) };
  }
  if (own['row_number'] !== undefined) {
    if (own['row_number'] !== true) fail(`${where}.row_number`, own['row_number'], 'true');
    return { kind: 'row_number' };
  }
  if (own['first'] !== undefined) {
    return { kind: 'first', of: partsAt(`${where}.first`, own['first']) };
  }
  return {
    kind: 'join',
    separator: own['with'] === undefined ? '' : textAt(`${where}.with`, own['with'], true),
    parts: partsAt(`${where}.join`, own['join']),
  };
}

function partsAt(where: string, raw: unknown): SourceText[] {
  if (!Array.isArray(raw) || raw.length === 0) {
    fail(where, raw, 'a list of columns, {"row_number":true} or {"value":…}');
  }
  return (raw as unknown[]).map((part, i) => {
    const at = `${where}[${i}]`;
    if (typeof part === 'string') return { kind: 'column', column: textAt(at, part) };
    const source = objectAt(at, part, ['column', 'value', 'row_number']);
    if (Object.keys(source).length !== 1) fail(at, part, 'one of column, value, row_number');
    return textSourceAt(at, source);
  });
}

function checkFormat(
  where: string,
  format: TimeFormat,
  text: string | null,
  after: string | null,
  zone: string | null,
): void {
  if (after !== null && format.hasDate) {
    fail(`${where}.format`, text, 'a time of day without a date, since it is after another field');
  }
  if (after === null && !format.hasDate) {
    fail(`${where}.format`, text, 'a date too, or `after` another field that bears the date');
  }
  if (zone === null && !format.hasOffset) {
    fail('zone', undefined, `an IANA zone such as Europe/London: ${where} says no offset`);
  }
}

function whenAt(where: string, raw: unknown): { column: string; is: readonly string[] } {
  const when = objectAt(where, raw, ['column', 'is']);
  return {
    column: textAt(`${where}.column`, when['column']),
    is: textsAt(`${where}.is`, when['is']),
  };
}

function skewAt(where: string, raw: unknown): number {
  if (raw === undefined) return DEFAULT_SKEW_SECONDS;
  if (typeof raw === 'number' && raw >= 0 && raw <= LONGEST_SKEW_SECONDS) return raw;
  return fail(where, raw, `seconds from 0 to ${LONGEST_SKEW_SECONDS}`);
}
