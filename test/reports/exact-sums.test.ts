import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  addDecimal,
  formatDecimal,
  multiplyDecimal,
  parseDecimal,
  subtractDecimal,
  ZERO,
} from '../../src/money/decimal.ts';
import { BytesInterner } from '../../src/reports/bytes-interner.ts';
import { type BytesColumn, cellAt, columnFromCells } from '../../src/reports/chunk.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import {
  decimalColumn,
  multiplyVectors,
  parseDecimals,
  subtractVectors,
} from '../../src/reports/decimal-vector.ts';
import { createFold, mergeTotals } from '../../src/reports/fold.ts';
import { TextSum } from '../../src/reports/short-decimals.ts';
import { chunkOf, DAYS } from './naive-rows.ts';

/** Numbers around the border between safe integers and longer ones. */
const decimal = fc
  .tuple(
    fc.oneof(
      fc.bigInt({ min: -999n, max: 999n }),
      fc.bigInt({ min: 2n ** 53n - 9n, max: 2n ** 53n + 9n }),
      fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }),
      fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
    ),
    fc.nat({ max: 18 }),
  )
  .map(([unscaled, scale]) => formatDecimal({ unscaled, scale }, scale));
const cell = fc.option(decimal, { nil: null, freq: 6 });
const exact = (text: string) => parseDecimal(text)!;
const columnOf = (cells: readonly (string | null)[]) =>
  columnFromCells('decimal', cells) as BytesColumn;

it('products and differences of whole columns are those of their cells', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 20 }), (pairs) => {
      const left = parseDecimals(columnOf(pairs.map(([a]) => a)));
      const right = parseDecimals(columnOf(pairs.map(([, b]) => b)));
      const products = decimalColumn(multiplyVectors(left, right));
      const differences = decimalColumn(subtractVectors(left, right));
      pairs.forEach(([a, b], row) => {
        expect(cellAt(products, row)).toBe(
          a === null || b === null ? null : formatDecimal(multiplyDecimal(exact(a), exact(b)), 0),
        );
        expect(cellAt(differences, row)).toBe(
          a === null
            ? null
            : formatDecimal(subtractDecimal(exact(a), b === null ? ZERO : exact(b)), 0),
        );
      });
    }),
    { numRuns: 500 },
  );
});

it('a sum of texts is exact and the same in any order', () => {
  fc.assert(
    fc.property(fc.array(decimal, { maxLength: 30 }), (texts) => {
      const sumOf = (all: readonly string[]) => {
        const sum = new TextSum();
        for (const text of all) sum.add(text);
        return sum.text();
      };
      const expected = texts.reduce((sum, text) => addDecimal(sum, exact(text)), ZERO);
      expect(sumOf(texts)).toBe(formatDecimal(expected, 0));
      expect(sumOf([...texts].reverse())).toBe(sumOf(texts));
    }),
    { numRuns: 1000 },
  );
});

it.each(['', '-', '.5', '5.', '1e3', '1,5', ' 1', '--1', '1.2.3', 'NaN'])(
  'the cell %j in a column of decimals is refused',
  (text) => {
    const bytes = Buffer.from(text === '' ? '+' : text);
    const offsets = Uint32Array.of(0, bytes.length);
    expect(() => parseDecimals({ type: 'decimal', offsets, bytes })).toThrow(RangeError);
  },
);

it('an interner gives different bytes different ids, and the same bytes the same', () => {
  const interner = new BytesInterner();
  const ids = new Map<string, number>();
  for (let n = 0; n < 60_000; n++) {
    const text = `key ${(n * 7_919) % 20_011}`;
    const bytes = Buffer.from(`..${text}..`);
    const id = interner.idOf(bytes, 2, bytes.length - 2);
    expect(ids.get(text) ?? id).toBe(id);
    ids.set(text, id);
  }
  expect(new Set(ids.values()).size).toBe(ids.size);
  expect(interner.size).toBe(ids.size);
  for (const [text, id] of ids) expect(interner.textOf(id)).toBe(text);
});

it('a sum of seconds that is no longer exact is refused, in a fold and in a merge', () => {
  const spec = { report: 'calls', by: [], where: [], params: {} } as const;
  const row = {
    external_id: 'x',
    started_at: DAYS[0].start,
    ended_at: DAYS[0].start,
    disposition: 'answered',
    wait_seconds: Number.MAX_SAFE_INTEGER,
  };
  const foldOf = (rows: (typeof row)[]) => {
    const fold = createFold(spec, DAYS[0]);
    fold.add(chunkOf(datasetOf('calls'), rows), null);
    return fold.totals();
  };
  const tooLarge = expect.objectContaining({
    code: 'E_TOO_LARGE',
    message: expect.stringContaining('calls.wait_seconds'),
  });
  expect(() => foldOf([row, row])).toThrow(tooLarge);
  expect(() => mergeTotals(spec, [foldOf([row]), foldOf([row])])).toThrow(tooLarge);
});
