import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DaybookError } from '../../src/errors.ts';
import { compareDecimal, parseDecimal } from '../../src/money/decimal.ts';
import { checkFilter, filterOps } from '../../src/reports/check-filter.ts';
import type { CellValue } from '../../src/reports/chunk.ts';
import { type DatasetName, datasetOf, type Field } from '../../src/reports/dataset.ts';
import { compileFilter, parseFilterText } from '../../src/reports/filter.ts';
import type { Filter } from '../../src/reports/request.ts';
import { chunkOf, DAYS, type Row, rowsOf } from './naive-rows.ts';

const ZONE = 'Europe/Vienna';

/** The rule as a reader would say it, one row at a time. */
function passes(field: Field, { op, values }: Filter, cell: CellValue): boolean {
  if (cell === null) return op === '!=';
  const order = (value: string): number => {
    if (field.type === 'decimal') {
      return compareDecimal(parseDecimal(String(cell))!, parseDecimal(value)!);
    }
    if (field.type === 'integer') return Number(cell) - Number(value);
    if (field.type === 'instant') return Number(cell) - Date.parse(value);
    return Buffer.compare(Buffer.from(String(cell)), Buffer.from(value));
  };
  const ascii = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (op === '=') return values.some((value) => order(value) === 0);
  if (op === '!=') return values.every((value) => order(value) !== 0);
  if (op === '>=') return order(values[0]) >= 0;
  if (op === '<=') return order(values[0]) <= 0;
  return ascii(String(cell)).includes(ascii(values[0]));
}

/** Filters whose values are near what rows hold: other rows' cells, and a few of their own. */
function filterOn(field: Field, rows: readonly Row[]): fc.Arbitrary<Filter> {
  const cells = rows.map((row) => row[field.name]).filter((cell) => cell !== null);
  const others: string[] = field.values
    ? [...field.values]
    : {
        text: ['a', 'AB', 'zz', '€', '𝄞'],
        integer: ['0', '-5', '20'],
        decimal: ['0', '-12.5', '1.1', '99999999999999999999.5'],
        instant: ['2025-10-26T00:30:00Z'],
      }[field.type];
  const texts = cells.map((cell) =>
    field.type === 'instant' ? new Date(Number(cell)).toISOString() : String(cell),
  );
  const value = fc.constantFrom(...others, ...texts);
  return fc
    .constantFrom(...filterOps(field))
    .chain((op) =>
      fc
        .array(value, { minLength: 1, maxLength: op === '=' || op === '!=' ? 3 : 1 })
        .map((values) => ({ field: field.name, op, values })),
    );
}

describe.each(['calls', 'order_lines'] as const)('filters of %s', (name: DatasetName) => {
  const dataset = datasetOf(name);

  it('leave the rows that a reading of the rule leaves, joined by AND', () => {
    const rowsAndFilters = rowsOf(name, DAYS[1]).chain((rows) =>
      fc.tuple(
        fc.constant(rows),
        fc.array(
          fc.constantFrom(...dataset.fields).chain((field) => filterOn(field, rows)),
          { maxLength: 3 },
        ),
      ),
    );
    fc.assert(
      fc.property(rowsAndFilters, ([rows, filters]) => {
        const checked = filters.map((filter) => checkFilter(dataset, filter, 'where'));
        const selection = compileFilter(dataset, checked, ZONE)(chunkOf(dataset, rows));
        const expected = rows.flatMap((row, index) =>
          filters.every((filter) => {
            const field = dataset.fields.find((candidate) => candidate.name === filter.field)!;
            return passes(field, filter, row[field.name]);
          })
            ? [index]
            : [],
        );
        expect(selection === null ? rows.map((_row, index) => index) : [...selection]).toEqual(
          expected,
        );
      }),
      { numRuns: 1500 },
    );
  });
});

it('no filter selects every row without listing them', () => {
  const dataset = datasetOf('calls');
  expect(compileFilter(dataset, [], ZONE)(chunkOf(dataset, []))).toBeNull();
});

it('an instant without an offset is local: the first of two, the end of a gap', () => {
  const dataset = datasetOf('calls');
  const at = (iso: string): Row => ({ started_at: Date.parse(iso) });
  const rows = ['2025-10-26T00:29:59Z', '2025-10-26T00:30:00Z', '2025-10-26T01:30:00Z'].map(at);
  const filter = checkFilter(dataset, parseFilterText('started_at>=2025-10-26T02:30'), 'where');
  const selection = compileFilter(dataset, [filter], ZONE)(chunkOf(dataset, rows));
  expect([...selection!]).toEqual([1, 2]);
  const gap = checkFilter(dataset, parseFilterText('started_at>=2025-03-30 02:30'), 'where');
  const spring = ['2025-03-30T00:59:59.999Z', '2025-03-30T01:00:00Z'].map(at);
  expect([...compileFilter(dataset, [gap], ZONE)(chunkOf(dataset, spring))!]).toEqual([1]);
});

it.each([
  ['queue=PS,NE', { field: 'queue', op: '=', values: ['PS', 'NE'] }],
  [' queue != PS , NE ', { field: 'queue', op: '!=', values: ['PS', 'NE'] }],
  ['queue="Sales, UK","a ""b"""', { field: 'queue', op: '=', values: ['Sales, UK', 'a "b"'] }],
  ['wait_seconds>=20', { field: 'wait_seconds', op: '>=', values: ['20'] }],
  ['wait_seconds<=20', { field: 'wait_seconds', op: '<=', values: ['20'] }],
  ['description~red, blue', { field: 'description', op: '~', values: ['red, blue'] }],
  ['caller~=', { field: 'caller', op: '~', values: ['='] }],
  ['caller=+49=1', { field: 'caller', op: '=', values: ['+49=1'] }],
  ['queue=P"S', { field: 'queue', op: '=', values: ['P"S'] }],
  ['queue=', { field: 'queue', op: '=', values: [''] }],
  ['queue=a,', { field: 'queue', op: '=', values: ['a', ''] }],
])('the text %j is the filter it looks like', (text, filter) => {
  expect(parseFilterText(text)).toEqual(filter);
});

it.each(['', 'queue', '=PS', 'queue PS', 'queue>5', 'queue="PS', 'queue= "PS', 'queue="PS"x'])(
  'the text %j is refused',
  (text) => {
    expect(() => parseFilterText(text)).toThrow(DaybookError);
  },
);

it('values in other clothes become one filter', () => {
  const check = (field: string, ...values: string[]) =>
    checkFilter(datasetOf('order_lines'), { field, op: '=', values }, 'where').values;
  expect(check('quantity', '+1.50', '1.5', '-0', '0.0')).toEqual(['1.5', '0']);
  expect(check('line_no', '007', '7', '-0')).toEqual(['7', '0']);
  expect(check('ordered_at', '2025-01-01T01:00+01:00', '2025-01-01T00:00:00Z')).toEqual([
    '2025-01-01T00:00:00.000Z',
  ]);
  expect(check('ordered_at', '2025-01-01 01:00')).toEqual(['2025-01-01T01:00:00.000']);
});
