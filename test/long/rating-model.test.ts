import fc from 'fast-check';
import { expect, it } from 'vitest';
import { modelOf, rated, someCall, somePlan, someRows } from '../billing/support/model.ts';

const SHORT = process.env.DAYBOOK_LONG === 'short';

it('100,000 random calls under random plans cost what a model in exact fractions says', () => {
  fc.assert(
    fc.property(somePlan, someRows, someCall, (plan, rows, call) => {
      expect(rated(plan, rows, call)).toEqual(modelOf(plan, rows, call));
    }),
    { numRuns: SHORT ? 10_000 : 100_000 },
  );
}, 600_000);
