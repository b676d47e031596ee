import { describe, expect, it } from 'vitest';
import { CHUNK_ROWS } from '../../src/reports/chunk.ts';
import { planSheets } from '../../src/reports/render/sheet-plan.ts';
import { groupedPieceRows, inPieces } from '../../src/reports/totals.ts';

const totals = (count: number) => ({
  rows: count,
  groups: new Array(count).fill({ key: ['a'], values: [1] }),
});

describe('the pieces of a grouped report', () => {
  it('hold at most a chunk of lines each, and all of them', () => {
    for (const count of [0, 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS]) {
      const rows = groupedPieceRows('day', totals(count));
      expect(rows.reduce((sum, each) => sum + each, 0)).toBe(count);
      expect(Math.max(0, ...rows)).toBeLessThanOrEqual(CHUNK_ROWS);
      expect([...inPieces(totals(count))].map(({ groups }) => groups.length)).toEqual(rows);
    }
  });

  it('fit the sheets of a workbook however many lines a day has', () => {
    expect(planSheets(groupedPieceRows('day', totals(2_000_000))).at(-1)?.sheet).toBe(2);
  });
});
