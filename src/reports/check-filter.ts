import { DaybookError } from '../errors.ts';
import { formatDecimal, parseDecimal } from '../money/decimal.ts';
import type { Dataset, Field, FieldType } from './dataset.ts';
import { normalInstant } from './filter-instant.ts';
import type { Filter, FilterOp } from './request.ts';
import { suggestion } from './suggest.ts';

/** More values than this in one filter are refused: a list that long is a join. */
export const MAX_FILTER_VALUES = 1000;
export const MAX_FILTERS = 50;

const OPS: Readonly<Record<FieldType, readonly FilterOp[]>> = {
  text: ['=', '!=', '>=', '<=', '~'],
  integer: ['=', '!=', '>=', '<='],
  decimal: ['=', '!=', '>=', '<='],
  instant: ['=', '!=', '>=', '<='],
};

/** The operators that a field takes. Of a list of words only equality makes sense. */
export function filterOps(field: Field): readonly FilterOp[] {
  return field.values === undefined ? OPS[field.type] : ['=', '!='];
}

/**
 * The filter in its one form: numbers without needless zeros, instants with an offset as UTC, the
 * same value once.
 * @param where the argument that the error names
 * @throws DaybookError `E_FILTER` for a field that the dataset does not have, an operator that the
 *   field does not take, no value, several where one is meant, a value of another type
 */
export function checkFilter(dataset: Dataset, filter: Filter, where: string): Filter {
  const field = dataset.fields.find(({ name }) => name === filter.field);
  if (field === undefined) {
    const names = dataset.fields.map(({ name }) => name);
    throw problem(
      where,
      JSON.stringify(filter.field.slice(0, 64)),
      `a field of ${dataset.name}: ${names.join(', ')}${suggestion(filter.field, names)}`,
    );
  }
  const at = `${where}: ${field.name}`;
  const ops = filterOps(field);
  if (!ops.includes(filter.op)) {
    throw problem(at, JSON.stringify(filter.op), `one of ${ops.join(' ')} for ${kindOf(field)}`);
  }
  const single = filter.op !== '=' && filter.op !== '!=';
  if (single ? filter.values.length !== 1 : filter.values.length === 0) {
    const expected = single ? `one value after ${filter.op}` : 'at least one value';
    throw problem(at, `${filter.values.length} values`, expected);
  }
  if (filter.values.length > MAX_FILTER_VALUES) {
    throw problem(at, `${filter.values.length} values`, `at most ${MAX_FILTER_VALUES} values`);
  }
  const values = filter.values.map((value) => normalValue(field, value, at));
  return { field: field.name, op: filter.op, values: [...new Set(values)] };
}

function normalValue(field: Field, value: string, where: string): string {
  const got = JSON.stringify(value.slice(0, 64));
  if (value === '') throw problem(where, 'an empty value', `a value: ${kindOf(field)}`);
  if (value.includes('\u0000') || /\p{Surrogate}/u.test(value)) {
    throw problem(where, got, 'well-formed Unicode text without NUL');
  }
  if (field.values !== undefined && !field.values.includes(value)) {
    const expected = `one of ${field.values.join(', ')}${suggestion(value, field.values)}`;
    throw problem(where, got, expected);
  }
  const normal = NORMAL[field.type](value);
  if (normal === null) throw problem(where, got, kindOf(field));
  return normal;
}

const NORMAL: Readonly<Record<FieldType, (value: string) => string | null>> = {
  text: (value) => value,
  integer: (value) => {
    const number = /^[+-]?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    return Number.isSafeInteger(number) ? String(number + 0) : null;
  },
  decimal: (value) => {
    const decimal = value.length <= 100 ? parseDecimal(value) : null;
    return decimal === null ? null : formatDecimal(decimal, 0);
  },
  instant: normalInstant,
};

function kindOf(field: Field): string {
  if (field.values !== undefined) return `one of ${field.values.join(', ')}`;
  return {
    text: 'a text',
    integer: 'a whole number such as 20',
    decimal: 'a decimal such as -12.50',
    instant: 'an ISO 8601 instant such as 2026-03-01T08:00:00Z',
  }[field.type];
}

function problem(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_FILTER', { where, got, expected });
}
