import fc from 'fast-check';
import { type CellValue, type Chunk, chunkFromRows } from '../../src/reports/chunk.ts';
import {
  type Dataset,
  type DatasetName,
  DIRECTIONS,
  DISPOSITIONS,
  datasetOf,
  type Field,
  ORDER_KINDS,
  PROPOSAL_STATUSES,
} from '../../src/reports/dataset.ts';
import { daysOf } from '../../src/time/calendar.ts';
import type { DayWindow } from '../../src/time/day-window.ts';

/** Rows as objects: what the columnar code is compared with. */
export type Row = Readonly<Record<string, CellValue>>;

/** Three days of which the second has 25 hours. */
export const DAYS: readonly DayWindow[] = daysOf([{ from: '0001-01-01', zone: 'Europe/Vienna' }], {
  from: '2025-10-25',
  to: '2025-10-27',
});

export function chunkOf(dataset: Dataset, rows: readonly Row[]): Chunk {
  return chunkFromRows(
    dataset.fields,
    rows.map((row) => dataset.fields.map(({ name }) => row[name] ?? null)),
  );
}

/** Chunks whose borders stand at the given places, taken modulo what is left. */
export function chunksOf(dataset: Dataset, rows: readonly Row[], cuts: readonly number[]): Chunk[] {
  const chunks: Chunk[] = [];
  let rest = rows;
  for (const cut of cuts) {
    const size = rest.length === 0 ? 0 : cut % (rest.length + 1);
    chunks.push(chunkOf(dataset, rest.slice(0, size)));
    rest = rest.slice(size);
  }
  return [...chunks, chunkOf(dataset, rest)];
}

const text = fc.constantFrom('a', 'b', 'B', 'ab', 'Ab c', 'ä', '€', '𝄞', '\uffee', '=1', 'x,y');
const seconds = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: -5, max: 100_000 }));
const decimal = fc.oneof(
  fc.constantFrom('0', '-0', '1', '-1', '0.5', '2.55', '-12.50', '100', '0.001', '1.10'),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.nat({ max: 20 }))
    .map(([unscaled, scale]) => {
      const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
      const whole = digits.slice(0, digits.length - scale);
      return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
    }),
);

function cellOf(field: Field, day: DayWindow): fc.Arbitrary<CellValue> {
  if (field.name === 'order_id' || field.name === 'proposal_id') {
    // An order, and a proposal, stays within its day, or it would be counted on each.
    return fc.constantFrom('1', '2', '3').map((id) => `${day.date}-${id}`);
  }
  if (field.name === 'status' && field.required) return fc.constantFrom(...PROPOSAL_STATUSES);
  if (field.name === 'disposition') return fc.constantFrom(...DISPOSITIONS);
  const some: fc.Arbitrary<CellValue> =
    field.name === 'direction'
      ? fc.constantFrom(...DIRECTIONS)
      : field.name === 'kind'
        ? fc.constantFrom(...ORDER_KINDS)
        : field.type === 'text'
          ? text
          : field.type === 'decimal'
            ? decimal
            : field.type === 'integer'
              ? seconds
              : fc.integer({ min: day.start, max: day.end - 1 });
  return field.required ? some : fc.option(some, { nil: null, freq: 4 });
}

/** Rows of one day in canonical order. */
export function rowsOf(name: DatasetName, day: DayWindow, maxLength = 30): fc.Arbitrary<Row[]> {
  const dataset = datasetOf(name);
  const row = fc.record(
    Object.fromEntries(dataset.fields.map((field) => [field.name, cellOf(field, day)])),
  );
  return fc
    .array(row, { maxLength })
    .map((rows) => [...rows].sort((a, b) => Number(a[dataset.anchor]) - Number(b[dataset.anchor])));
}

/** The same generator's rows for each of {@link DAYS}. */
export function daysOfRows(name: DatasetName): fc.Arbitrary<Row[][]> {
  return fc.tuple(...DAYS.map((day) => rowsOf(name, day)));
}
