import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CellValue } from '../../src/reports/chunk.ts';
import type { CellType, OutColumn } from '../../src/reports/column.ts';
import type { RowForm } from '../../src/reports/render/cell-writer.ts';
import { csvForm } from '../../src/reports/render/csv-cells.ts';
import type { RenderZone } from '../../src/reports/render/row-renderer.ts';
import { renderByColumns } from '../../src/reports/render/rows-by-columns.ts';
import { renderByRows } from '../../src/reports/render/rows-by-rows.ts';
import { xlsxForm } from '../../src/reports/render/xlsx-cells.ts';
import { LOCALES, type Locale } from '../../src/reports/request.ts';
import { offsetStretches } from '../../src/time/zone.ts';
import { chunkOf, column } from './support/sample.ts';

const DAY_MS = 86_400_000;
/** New York leaves summer time on it. */
const DAY = { start: Date.UTC(2026, 10, 1, 4), end: Date.UTC(2026, 10, 2, 5) };
const ZONES: readonly RenderZone[] = [
  { name: 'UTC', stretches: [] },
  ...['America/New_York', 'Asia/Kathmandu'].map((name) => ({
    name,
    stretches: offsetStretches(name, DAY.start, DAY.end),
  })),
];

/** What columns consist of, and now and then what they seldom do. */
const CELLS: Readonly<Record<CellType, fc.Arbitrary<CellValue>>> = {
  text: fc.oneof(
    {
      weight: 20,
      arbitrary: fc.constantFrom<CellValue>('sales', '+4930123456', null, 'Núñez', '-'),
    },
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', '')),
    fc.constantFrom('a,b', 'a;b', '"', ' x', 'x ', '=1+1', '+', '+49 30', '_x0041_', '_xyz', 'a_b'),
    fc.constantFrom('a\r\nb', '<&>', '\ufffe', '\t', 'x'.repeat(40_000), '\ufeff=1', '-12.50'),
  ),
  date: fc.constantFrom('2026-11-01', null, '1899-12-31', 'no date'),
  instant: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: DAY.start, max: DAY.end + DAY_MS }) },
    fc.constant(null),
    fc.integer({ min: -3e12, max: 5e12 }),
    fc.constantFrom(8.64e15, -8.64e15, -6.3e13, 2.6e14, 9.3e15),
  ),
  integer: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: -5, max: 100_000 }) },
    fc.constant(null),
    fc.constantFrom(-0, 2 ** 31, -(2 ** 31), 1e15, 2 ** 53, 1e21, Number.POSITIVE_INFINITY),
  ),
  decimal: fc.constantFrom('12.50', '-0.001', null, '1234567890123456.5', '+7'),
};

const rows = fc
  .array(fc.constantFrom<CellType>('text', 'instant', 'integer', 'date', 'decimal'), {
    minLength: 1,
    maxLength: 6,
  })
  .chain((types) =>
    fc.record({
      columns: fc.constant(types.map((type, i) => column(`c${i}`, type, { minScale: i % 3 }))),
      cells: fc.array(fc.tuple(...types.map((type) => CELLS[type])), { maxLength: 40 }),
      zone: fc.constantFrom(...ZONES),
      locale: fc.constantFrom(...LOCALES),
      firstRow: fc.constantFrom(2, 99_998, 1_000_000),
    }),
  );

function bothWays(
  form: RowForm,
  columns: readonly OutColumn[],
  cells: CellValue[][],
  firstRow: number | null,
) {
  const keys = columns.map(({ key }) => key);
  const chunk = chunkOf(columns, cells);
  if (form.byColumns === null) throw new Error('the form has no columns');
  const byColumns = renderByColumns(form, form.byColumns, keys, chunk, firstRow).toString('latin1');
  return [byColumns, renderByRows(form, keys, chunk, firstRow).toString('latin1')];
}

const FORMS: [
  string,
  boolean,
  (of: { columns: OutColumn[]; locale: Locale; zone: RenderZone }) => RowForm,
][] = [
  ['CSV', false, ({ columns, locale, zone }) => csvForm(columns, locale, zone)],
  ['a sheet', false, ({ columns, locale, zone }) => xlsxForm(columns, locale, zone, false)],
  [
    'a sheet with references',
    true,
    ({ columns, locale, zone }) => xlsxForm(columns, locale, zone, true),
  ],
];

describe.each(FORMS)('%s by columns', (_name, references, formOf) => {
  test('is, byte for byte, what its writers write cell by cell', () => {
    fc.assert(
      fc.property(rows, ({ columns, cells, zone, locale, firstRow }) => {
        const form = formOf({ columns, locale, zone });
        const [byColumns, byRows] = bothWays(form, columns, cells, references ? firstRow : null);
        expect(byColumns).toBe(byRows);
      }),
      { numRuns: 400 },
    );
  });

  test('is so for every second of a day and the years 0 to 9999', () => {
    const columns = [column('at', 'instant')];
    const form = formOf({ columns, locale: 'es', zone: ZONES[0] });
    const seconds = Array.from({ length: 86_400 }, (_, second) => [
      DAY.start + second * 1000 + 999,
    ]);
    const days = Array.from({ length: 40_000 }, (_, i) => [Date.UTC(1900, 2, 1) + i * DAY_MS]);
    for (const cells of [seconds, days.slice(0, 700), days.slice(-700)]) {
      const [byColumns, byRows] = bothWays(form, columns, cells, references ? 2 : null);
      expect(byColumns === byRows).toBe(true);
    }
  });
});
