import { DaybookError } from '../errors.ts';
import { compareDecimal, type Decimal, parseDecimal } from '../money/decimal.ts';
import { type BytesColumn, bytesOf, type Chunk, numbersOf, type Selection } from './chunk.ts';
import type { Dataset } from './dataset.ts';
import { bytesAt } from './day-rows.ts';
import { decimalAt, parseDecimals } from './decimal-vector.ts';
import { instantOfFilter } from './filter-instant.ts';
import type { Filter, FilterOp } from './request.ts';

/**
 * The text form of a filter: `field=v1,v2` `field!=v1,v2` `field>=v` `field<=v` `field~text`.
 * Spaces around field, operator and values do not count. A value in double quotes keeps commas and
 * spaces (`queue="Sales, UK"`; a quote inside is doubled). Only `=` and `!=` split at commas. What
 * the field takes is checked by `checkFilter`.
 * @param where the argument that the error names
 * @throws DaybookError `E_FILTER`
 */
export function parseFilterText(text: string, where = 'where'): Filter {
  const match = /^\s*([A-Za-z_][\w-]*)\s*(!=|>=|<=|=|~)(.*)$/s.exec(text);
  if (match === null) {
    throw new DaybookError('E_FILTER', {
      where,
      got: JSON.stringify(text.slice(0, 128)),
      expected: 'field=v1,v2 or field!=v1,v2 or field>=v or field<=v or field~text',
    });
  }
  const [, field, op, rest] = match;
  const values = valuesOf(rest, op === '=' || op === '!=');
  if (values === null) {
    throw new DaybookError('E_FILTER', {
      where: `${where}: ${field}`,
      got: JSON.stringify(rest.slice(0, 128)),
      expected: 'a value in double quotes to end with one, and a quote inside to be doubled',
    });
  }
  return { field, op: op as FilterOp, values };
}

/** Null: a quote is not closed, or something stands behind a closed one. */
function valuesOf(text: string, split: boolean): string[] | null {
  if (!split && !text.trimStart().startsWith('"')) return [text.trim()];
  const values: string[] = [];
  for (let rest = text; ; ) {
    const match = /^\s*(?:"((?:[^"]|"")*)"|([^",\s][^,]*)?)\s*(,|$)/s.exec(rest);
    if (match === null) return null;
    const [whole, quoted, bare, end] = match;
    values.push(quoted === undefined ? (bare ?? '').trim() : quoted.replaceAll('""', '"'));
    if (end === '') return values;
    rest = rest.slice(whole.length);
  }
}

/**
 * A function from a chunk of the dataset to the rows that meet all filters. Rows without a value
 * meet `!=` and nothing else.
 * @param where filters that `checkFilter` has passed
 * @param zone of instants that were given without an offset
 */
export function compileFilter(
  dataset: Dataset,
  where: readonly Filter[],
  zone: string,
): (chunk: Chunk) => Selection {
  const tests = where.map((filter) => compileOne(dataset, filter, zone));
  if (tests.length === 0) return () => null;
  return (chunk) => {
    const selected = new Uint32Array(chunk.rows);
    const first = tests[0](chunk);
    let count = 0;
    for (let row = 0; row < chunk.rows; row++) {
      if (first(row)) selected[count++] = row;
    }
    for (const compile of tests.slice(1)) {
      const test = compile(chunk);
      let left = 0;
      for (let k = 0; k < count; k++) {
        if (test(selected[k])) selected[left++] = selected[k];
      }
      count = left;
    }
    return selected.subarray(0, count);
  };
}

type RowTest = (row: number) => boolean;

function compileOne(dataset: Dataset, filter: Filter, zone: string): (chunk: Chunk) => RowTest {
  const type = dataset.fields.find(({ name }) => name === filter.field)?.type;
  switch (type) {
    case 'text':
      return textTest(filter);
    case 'decimal':
      return decimalTest(filter);
    case 'integer':
      return numberTest(filter, filter.values.map(Number));
    case 'instant':
      return numberTest(
        filter,
        filter.values.map((value) => instantOfFilter(value, zone)),
      );
    default:
      throw new RangeError(`${dataset.name} has no field ${filter.field}`);
  }
}

function numberTest({ field, op }: Filter, wanted: readonly number[]) {
  const [bound] = wanted;
  return (chunk: Chunk): RowTest => {
    const { values } = numbersOf(chunk, field);
    switch (op) {
      case '>=':
        return (row) => values[row] >= bound;
      case '<=':
        return (row) => values[row] <= bound;
      case '!=':
        return (row) => !wanted.includes(values[row]);
      default:
        return (row) => wanted.includes(values[row]) && !Number.isNaN(values[row]);
    }
  };
}

function decimalTest({ field, op, values }: Filter) {
  const wanted = values.map((value) => parseDecimal(value) as Decimal);
  return (chunk: Chunk): RowTest => {
    const decimals = parseDecimals(bytesOf(chunk, field));
    const test = (row: number, passes: (order: number) => boolean) => {
      const value = decimalAt(decimals, row);
      return value !== null && wanted.some((bound) => passes(compareDecimal(value, bound)));
    };
    switch (op) {
      case '>=':
        return (row) => test(row, (order) => order >= 0);
      case '<=':
        return (row) => test(row, (order) => order <= 0);
      case '!=':
        return (row) => !test(row, (order) => order === 0);
      default:
        return (row) => test(row, (order) => order === 0);
    }
  };
}

function textTest({ field, op, values }: Filter) {
  const wanted = values.map((value) => Buffer.from(value, 'utf8'));
  const needle = wanted[0].map(lowered);
  return (chunk: Chunk): RowTest => {
    const column = bytesOf(chunk, field);
    switch (op) {
      case '>=':
        return (row) => hasValue(column, row) && compareBytes(column, row, wanted[0]) >= 0;
      case '<=':
        return (row) => hasValue(column, row) && compareBytes(column, row, wanted[0]) <= 0;
      case '~':
        return (row) => containsBytes(column, row, needle);
      case '!=':
        return (row) => !isOneOf(column, row, wanted);
      default:
        return (row) => isOneOf(column, row, wanted);
    }
  };
}

function hasValue({ offsets }: BytesColumn, row: number): boolean {
  return offsets[row] !== offsets[row + 1];
}

function isOneOf({ offsets, bytes }: BytesColumn, row: number, wanted: readonly Uint8Array[]) {
  const start = offsets[row];
  const length = offsets[row + 1] - start;
  for (const value of wanted) {
    if (value.length === length && bytesAt(bytes, start, value)) return true;
  }
  return false;
}

function compareBytes({ offsets, bytes }: BytesColumn, row: number, value: Uint8Array): number {
  const start = offsets[row];
  const length = offsets[row + 1] - start;
  const common = Math.min(length, value.length);
  for (let i = 0; i < common; i++) {
    if (bytes[start + i] !== value[i]) return bytes[start + i] - value[i];
  }
  return length - value.length;
}

function containsBytes({ offsets, bytes }: BytesColumn, row: number, needle: Uint8Array): boolean {
  const last = offsets[row + 1] - needle.length;
  for (let start = offsets[row]; start <= last; start++) {
    let i = 0;
    while (i < needle.length && lowered(bytes[start + i]) === needle[i]) i++;
    if (i === needle.length) return true;
  }
  return false;
}

/** A to Z as a to z; other bytes as they are. */
function lowered(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
