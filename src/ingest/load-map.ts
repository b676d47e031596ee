import { DaybookError } from '../errors.ts';
import type { Dataset, Field } from '../reports/dataset.ts';
import { parseZone } from '../time/zone.ts';
import { compileTimeFormat, type TimeFormat } from './time-format.ts';

/** A map, checked: how the columns of a file become the fields of a dataset. */
export interface LoadMap {
  /** Of wall times that say no offset. Null: every instant must say its own. */
  readonly zone: string | null;
  /** Null: by the format, or by the first line. */
  readonly delimiter: string | null;
  /** False: a quote in a delimited file is text like any other. */
  readonly quote: boolean;
  /** Names of the columns of a file that has no header line. */
  readonly header: readonly string[] | null;
  /** Which columns that no field uses are kept in `extra`. */
  readonly extra: 'all' | readonly string[];
  /** Of a workbook; null: its first sheet. */
  readonly sheet: string | null;
  /** Null: columns bear the names of fields. */
  readonly fields: ReadonlyMap<string, FieldSource> | null;
}

export type SourceText =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'join'; readonly parts: readonly SourceText[]; readonly separator: string }
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'row_number' }
  | { readonly kind: 'latest'; readonly of: readonly FieldSource[] };

export interface FieldSource {
  /** Such as `fields.started_at`, for messages. */
  readonly where: string;
  readonly text: SourceText;
  /** Texts that mean none, beside the empty text. */
  readonly empty: readonly string[];
  readonly when: { readonly column: string; readonly is: readonly string[] } | null;
  readonly match: readonly { readonly pattern: RegExp; readonly value: string | null }[] | null;
  /** Null: ISO 8601. */
  readonly format: TimeFormat | null;
  readonly formatText: string | null;
  readonly after: string | null;
  readonly skewMs: number;
}

export const NO_MAP: LoadMap = {
  zone: null,
  delimiter: null,
  quote: true,
  header: null,
  extra: [],
  sheet: null,
  fields: null,
};

type Json = Readonly<Record<string, unknown>>;

const MAP_KEYS = ['zone', 'delimiter', 'quote', 'header', 'extra', 'sheet', 'fields'];
const TEXT_KEYS = ['column', 'join', 'value', 'row_number', 'latest'];
const SOURCE_KEYS = [
  ...TEXT_KEYS,
  'with',
  'format',
  'after',
  'skew_seconds',
  'when',
  'match',
  'empty',
];
const DEFAULT_SKEW_SECONDS = 300;
const LONGEST_SKEW_SECONDS = 43_200;
const CLOCK_FORMAT = 'H:mm:ss';

/**
 * Checks a map against the dataset that it fills, before any row is read.
 * @throws DaybookError `E_MAP` that names where, what came, what is expected
 */
export function parseLoadMap(raw: unknown, dataset: Dataset): LoadMap {
  const map = objectAt('(the whole)', raw, MAP_KEYS);
  const zone = map['zone'] === undefined ? null : zoneAt(map['zone']);
  const extra = map['extra'] ?? false;
  return {
    zone,
    delimiter: map['delimiter'] === undefined ? null : delimiterAt(map['delimiter']),
    quote: booleanAt('quote', map['quote'] ?? true),
    header: map['header'] === undefined ? null : namesAt('header', map['header']),
    extra: extra === true ? 'all' : extra === false ? [] : namesAt('extra', extra),
    sheet: map['sheet'] === undefined ? null : textAt('sheet', map['sheet']),
    fields: map['fields'] === undefined ? null : fieldsAt(map['fields'], dataset, zone),
  };
}

/** The names of all columns that a map reads, in no order. */
export function columnsUsed(map: LoadMap, dataset: Dataset): Set<string> {
  if (map.fields === null) return new Set(dataset.fields.map((field) => field.name));
  const used = new Set<string>();
  const visitText = (text: SourceText) => {
    if (text.kind === 'column') used.add(text.column);
    if (text.kind === 'join') text.parts.forEach(visitText);
    if (text.kind === 'latest') text.of.forEach(visit);
  };
  const visit = (source: FieldSource) => {
    visitText(source.text);
    if (source.when) used.add(source.when.column);
  };
  for (const source of map.fields.values()) visit(source);
  return used;
}

function fieldsAt(raw: unknown, dataset: Dataset, zone: string | null) {
  const known = dataset.fields.map((field) => field.name);
  const given = objectAt('fields', raw, known);
  const fields = new Map<string, FieldSource>();
  for (const field of dataset.fields) {
    if (given[field.name] === undefined) {
      if (field.required) fail(`fields.${field.name}`, undefined, `a source: it is required`);
      continue;
    }
    fields.set(field.name, sourceAt(`fields.${field.name}`, given[field.name], field, zone));
  }
  for (const [name, source] of fields) checkAfter(name, source, fields, dataset);
  return fields;
}

function sourceAt(
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
  for (const key of ['format', 'after', 'skew_seconds', 'latest']) {
    if (own[key] !== undefined && !instant) {
      fail(`${where}.${key}`, own[key], `it only for instants; ${field.name} is ${field.type}`);
    }
  }
  if (given[0] === 'latest') return latestAt(where, own, field, zone);
  const after = all['after'] === undefined ? null : textAt(`${where}.after`, all['after']);
  if (own['skew_seconds'] !== undefined && after === null) {
    fail(`${where}.skew_seconds`, own['skew_seconds'], 'it only beside after');
  }
  const formatText =
    all['format'] === undefined
      ? after === null
        ? null
        : CLOCK_FORMAT
      : textAt(`${where}.format`, all['format']);
  const format = formatText === null ? null : formatAt(`${where}.format`, formatText);
  if (format) checkFormat(where, format, formatText, after, zone);
  return {
    where,
    text: textSourceAt(where, own),
    empty: all['empty'] === undefined ? [] : textsAt(`${where}.empty`, all['empty']),
    when: all['when'] === undefined ? null : whenAt(`${where}.when`, all['when']),
    match: own['match'] === undefined ? null : matchAt(`${where}.match`, own['match'], field),
    format,
    formatText,
    after,
    skewMs: skewAt(`${where}.skew_seconds`, all['skew_seconds']) * 1000,
  };
}

/** What stands beside `latest` counts for each of its columns, unless one says otherwise. */
function latestAt(where: string, own: Json, field: Field, zone: string | null): FieldSource {
  const of = own['latest'];
  if (!Array.isArray(of) || of.length === 0) {
    fail(`${where}.latest`, of, 'a list of columns or sources');
  }
  if (own['match'] !== undefined) fail(`${where}.match`, own['match'], 'it not beside latest');
  const { latest: _, when, ...outer } = own;
  const sources = (of as unknown[]).map((each, i) => {
    const at = `${where}.latest[${i}]`;
    const source = sourceAt(at, each, field, zone, outer);
    if (source.text.kind === 'latest') fail(at, each, 'a column, not another latest');
    return source;
  });
  return {
    where,
    text: { kind: 'latest', of: sources },
    empty: [],
    when: when === undefined ? null : whenAt(`${where}.when`, when),
    match: null,
    format: null,
    formatText: null,
    after: null,
    skewMs: 0,
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
  const parts = own['join'];
  if (!Array.isArray(parts) || parts.length === 0) {
    fail(`${where}.join`, parts, 'a list of columns, {"row_number":true} or {"value":…}');
  }
  return {
    kind: 'join',
    separator: own['with'] === undefined ? '' : textAt(`${where}.with`, own['with'], true),
    parts: (parts as unknown[]).map((part, i) => {
      const at = `${where}.join[${i}]`;
      if (typeof part === 'string') return { kind: 'column', column: textAt(at, part) };
      const source = objectAt(at, part, ['column', 'value', 'row_number']);
      if (Object.keys(source).length !== 1) fail(at, part, 'one of column, value, row_number');
      return textSourceAt(at, source);
    }),
  };
}

function checkAfter(
  name: string,
  source: FieldSource,
  fields: ReadonlyMap<string, FieldSource>,
  dataset: Dataset,
): void {
  const instants = dataset.fields.filter((field) => field.type === 'instant').map((f) => f.name);
  const follow = (at: FieldSource, seen: readonly string[]): void => {
    const each = at.text.kind === 'latest' ? at.text.of : [at];
    for (const { after, where } of each) {
      if (after === null) continue;
      const target = fields.get(after);
      if (!instants.includes(after) || !target) {
        const others = instants.filter((other) => other !== name && fields.has(other));
        fail(`${where}.after`, after, `another instant of this map: ${others.join(', ')}`);
      } else if (seen.includes(after)) {
        fail(`${where}.after`, [...seen, after].join(' → '), 'no circle');
      } else {
        follow(target, [...seen, after]);
      }
    }
  };
  follow(source, [name]);
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

function formatAt(where: string, text: string): TimeFormat {
  return compileTimeFormat(text) ?? fail(where, text, 'Luxon tokens such as yyyy-MM-dd HH:mm:ss');
}

function zoneAt(raw: unknown): string {
  const text = textAt('zone', raw);
  try {
    return parseZone(text, 'zone');
  } catch {
    return fail('zone', text, 'an IANA name such as Europe/London');
  }
}

function whenAt(where: string, raw: unknown): { column: string; is: readonly string[] } {
  const when = objectAt(where, raw, ['column', 'is']);
  return {
    column: textAt(`${where}.column`, when['column']),
    is: textsAt(`${where}.is`, when['is']),
  };
}

function matchAt(where: string, raw: unknown, field: Field) {
  if (!Array.isArray(raw) || raw.length === 0) {
    fail(where, raw, 'a list of [regular expression, value]');
  }
  return (raw as unknown[]).map((rule, i) => {
    const at = `${where}[${i}]`;
    if (!Array.isArray(rule) || rule.length !== 2 || typeof rule[0] !== 'string') {
      return fail(at, rule, '[regular expression, value]');
    }
    const value = rule[1] === null ? null : scalarAt(`${at}[1]`, rule[1]);
    if (value !== null && field.values && !value.includes('$') && !field.values.includes(value)) {
      fail(`${at}[1]`, value, `one of ${field.values.join(', ')}`);
    }
    try {
      return { pattern: new RegExp(rule[0], 'u'), value };
    } catch (error) {
      return fail(`${at}[0]`, rule[0], `a regular expression (${(error as Error).message})`);
    }
  });
}

function skewAt(where: string, raw: unknown): number {
  if (raw === undefined) return DEFAULT_SKEW_SECONDS;
  if (typeof raw === 'number' && raw >= 0 && raw <= LONGEST_SKEW_SECONDS) return raw;
  return fail(where, raw, `seconds from 0 to ${LONGEST_SKEW_SECONDS}`);
}

function delimiterAt(raw: unknown): string {
  if (typeof raw === 'string' && /^[\x01-\x7f]$/.test(raw) && !/["\r\n]/.test(raw)) return raw;
  return fail('delimiter', raw, 'one ASCII character, no quote and no line break');
}

function booleanAt(where: string, raw: unknown): boolean {
  return typeof raw === 'boolean' ? raw : fail(where, raw, 'true or false');
}

function textAt(where: string, raw: unknown, mayBeEmpty = false): string {
  if (typeof raw === 'string' && (mayBeEmpty || raw !== '')) return raw;
  return fail(where, raw, 'a text');
}

function scalarAt(where: string, raw: unknown): string {
  if (typeof raw === 'string') return raw;
  if (typeof raw === 'number' && Number.isFinite(raw)) return String(raw);
  return fail(where, raw, 'a text or a number');
}

function textsAt(where: string, raw: unknown): readonly string[] {
  if (Array.isArray(raw) && raw.length > 0) {
    return raw.map((each, i) => scalarAt(`${where}[${i}]`, each));
  }
  return [scalarAt(where, raw)];
}

function namesAt(where: string, raw: unknown): readonly string[] {
  if (!Array.isArray(raw) || raw.length === 0) fail(where, raw, 'a list of column names');
  const names = (raw as unknown[]).map((name, i) => textAt(`${where}[${i}]`, name));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) fail(where, `${twice} twice`, 'every name once');
  return names;
}

function objectAt(where: string, raw: unknown, keys: readonly string[]): Json {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    fail(where, raw, 'an object');
  }
  const unknown = Object.keys(raw as Json).find((key) => !keys.includes(key));
  if (unknown !== undefined) fail(where, `the key ${unknown}`, `any of ${keys.join(', ')}`);
  return raw as Json;
}

function fail(where: string, got: unknown, expected: string): never {
  const text =
    got === undefined ? 'nothing' : typeof got === 'string' ? got : (JSON.stringify(got) ?? '');
  throw new DaybookError('E_MAP', { where, got: text.slice(0, 200), expected });
}
