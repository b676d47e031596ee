import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatDecimal } from '../../../src/money/decimal.ts';
import { cellAt } from '../../../src/reports/chunk.ts';
import { CellBytes } from '../../../src/scheduler/reconcile/cell-bytes.ts';

it('writes decimals, numbers and texts as they are read back, in any order', () => {
  const cell = fc.oneof(
    fc.record({ units: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), scale: fc.nat(18) }),
    fc.constantFrom(...[0n, 1n, -1n, 10n, -100n].map((units) => ({ units, scale: 2 }))),
    fc.integer({ min: 1, max: 999_999_999_999_999 }),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 60 }), (cells) => {
      const bytes = new CellBytes(cells.length);
      for (const each of cells) {
        if (typeof each === 'string') bytes.text(each);
        else if (typeof each === 'number') bytes.international(each);
        else bytes.decimal(each.units, each.scale);
        bytes.endCell();
      }
      const column = bytes.column('text');
      expect(cells.map((_, i) => cellAt(column, i))).toEqual(
        cells.map((each) => {
          if (typeof each === 'string') return each === '' ? null : each;
          if (typeof each === 'number') return `+${each}`;
          return formatDecimal({ unscaled: each.units, scale: each.scale });
        }),
      );
    }),
  );
});
