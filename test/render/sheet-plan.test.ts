import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planSheets } from '../../src/reports/render/sheet-plan.ts';

describe('sheet plan', () => {
  test('a sheet takes exactly 1,048,575 rows below its header', () => {
    const full = Array(15).fill(65_536).concat([65_535]);
    expect(planSheets([...full, 1]).slice(-2)).toEqual([
      { sheet: 1, firstRow: 983_042 },
      { sheet: 2, firstRow: 2 },
    ]);
    expect(planSheets([...full.slice(0, 15), 65_536]).at(-1)).toEqual({ sheet: 2, firstRow: 2 });
  });

  test('no sheet is over its limit, rows follow one another, and only what does not fit moves on', () => {
    const pieces = fc.array(fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(pieces, fc.integer({ min: 10, max: 40 }), (rows, maxRows) => {
        const plan = planSheets(rows, maxRows);
        let sheet = 1;
        let next = 2;
        plan.forEach((place, index) => {
          const fits = next + rows[index] - 1 <= maxRows;
          if (!fits) {
            sheet++;
            next = 2;
          }
          expect(place).toEqual({ sheet, firstRow: next });
          next += rows[index];
          expect(next - 1).toBeLessThanOrEqual(maxRows);
        });
      }),
    );
  });

  test('a piece that fits no sheet is refused', () => {
    expect(() => planSheets([10], 10)).toThrow(RangeError);
    expect(planSheets([9], 10)).toEqual([{ sheet: 1, firstRow: 2 }]);
  });
});
