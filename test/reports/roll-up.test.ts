import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { datasetOf } from '../../src/reports/dataset.ts';
import { createFold, foldBy } from '../../src/reports/fold.ts';
import { listReportKinds, reportKind } from '../../src/reports/registry.ts';
import { addsUp, keptFold, rollUp } from '../../src/reports/roll-up.ts';
import type { DayTotals, FoldSpec } from '../../src/reports/totals.ts';
import { chunkOf, DAYS, type Row, rowsOf } from './naive-rows.ts';

const DAY = DAYS[1];

function folded(spec: FoldSpec, rows: readonly Row[]): DayTotals {
  const fold = createFold(spec, DAY);
  fold.add(chunkOf(datasetOf(reportKind(spec.report).dataset), rows), null);
  return fold.totals();
}

describe.each(listReportKinds())('$name', (kind) => {
  const params = Object.fromEntries(kind.params.map((param) => [param.name, param.default]));
  const keys = kind.dimensions.map(({ key }) => key);
  const spec = (by: readonly string[]) => foldBy({ report: kind.name, where: [], params }, by);
  const rows = rowsOf(kind.dataset, DAY);

  it('totals by any dimensions in any order are got from the fold that is kept for them', () => {
    fc.assert(
      fc.property(rows, fc.shuffledSubarray(keys, { maxLength: 4 }), (day, by) => {
        const kept = keptFold(spec(by));
        expect(kept.by).not.toContain('day');
        expect(rollUp(spec(by), kept.by, folded(kept, day), DAY.date)).toEqual(
          folded(spec(by), day),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('totals by more dimensions give those by fewer, where every measure adds up', () => {
    // Those of order lines and of proposals count different values.
    expect(addsUp(kind)).toBe(!['order_lines', 'proposal_lines'].includes(kind.dataset));
    if (!addsUp(kind)) return;
    fc.assert(
      fc.property(rows, fc.shuffledSubarray(keys, { maxLength: 4 }), fc.nat(), (day, by, cut) => {
        const finer = keptFold(spec(by));
        const wanted = spec(by.slice(0, cut % (by.length + 1)));
        expect(rollUp(wanted, finer.by, folded(finer, day), DAY.date)).toEqual(folded(wanted, day));
      }),
      { numRuns: 60 },
    );
  });
});
