import type { Field } from '../reports/dataset.ts';
import type { FieldSource } from './load-map.ts';
import { fail, type Json, scalarAt } from './map-values.ts';

/** How texts become other texts: rules of `match`, a `table`, a `default`. */

type Rules = NonNullable<FieldSource['match']>;

/**
 * The rules of `match`, or those that a `table` stands for; null: the text stays as it is.
 * @throws DaybookError `E_MAP`
 */
export function rulesAt(where: string, own: Json, field: Field): Rules | null {
  if (own['table'] === undefined) {
    if (own['otherwise'] !== undefined) {
      fail(`${where}.otherwise`, own['otherwise'], 'it only beside table');
    }
    return own['match'] === undefined ? null : matchAt(`${where}.match`, own['match'], field);
  }
  if (own['match'] !== undefined) fail(`${where}.match`, own['match'], 'it not beside table');
  const rules = tableAt(`${where}.table`, own['table'], field);
  if (own['otherwise'] === undefined) return rules;
  // An empty text is no value, whatever the table says of others.
  const value = valueAt(`${where}.otherwise`, own['otherwise'], field, false);
  return [...rules, { pattern: /./su, value }];
}

/** @throws DaybookError `E_MAP` for a value that the field does not take */
export function fallbackAt(where: string, raw: unknown, field: Field): string | null {
  if (raw === undefined) return null;
  if (field.type === 'instant') fail(where, raw, `it not for instants; ${field.name} is one`);
  const value = valueAt(where, raw, field, false);
  return value === null || value === '' ? fail(where, raw, 'a text or a number') : value;
}

function tableAt(where: string, raw: unknown, field: Field): Rules {
  const entries = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
  if (!entries || Object.keys(raw).length === 0) {
    fail(where, raw, 'an object of texts and the values that they stand for');
  }
  return Object.entries(raw as Json).map(([text, value]) => ({
    pattern: new RegExp(`^${text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}$`, 'u'),
    value: valueAt(`${where}.${text}`, value, field, false),
  }));
}

function matchAt(where: string, raw: unknown, field: Field): Rules {
  if (!Array.isArray(raw) || raw.length === 0) {
    fail(where, raw, 'a list of [regular expression, value]');
  }
  return (raw as unknown[]).map((rule, i) => {
    const at = `${where}[${i}]`;
    if (!Array.isArray(rule) || rule.length !== 2 || typeof rule[0] !== 'string') {
      return fail(at, rule, '[regular expression, value]');
    }
    const value = valueAt(`${at}[1]`, rule[1], field, true);
    try {
      return { pattern: new RegExp(rule[0], 'u'), value };
    } catch (error) {
      return fail(`${at}[0]`, rule[0], `a regular expression (${(error as Error).message})`);
    }
  });
}

/** A value that stands for a text; null: none. `$1` is a caught group where there are groups. */
function valueAt(where: string, raw: unknown, field: Field, hasGroups: boolean): string | null {
  if (raw === null) return null;
  const value = scalarAt(where, raw);
  if (!hasGroups && /\$[1-9]/.test(value)) fail(where, value, 'no $1: a table catches no groups');
  const isMade = hasGroups && value.includes('$');
  if (field.values && !isMade && !field.values.includes(value)) {
    fail(where, value, `one of ${field.values.join(', ')}`);
  }
  return value;
}
