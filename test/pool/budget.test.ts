import fc from 'fast-check';
import { expect, it } from 'vitest';
import { budgetFor } from '../../src/pool/budget.ts';

it('never plans more connections than the database allows, from 20 on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 128 }),
      fc.integer({ min: 20, max: 500 }),
      (cores, max) => {
        const budget = budgetFor(cores, max);
        const threads = budget.computeProcesses * budget.threadsPerCompute;
        const used = threads + budget.runnerPool + budget.apiProcesses * budget.apiPool;
        expect(used).toBeLessThanOrEqual(max);
        expect(Math.min(budget.apiProcesses, budget.computeProcesses, threads)).toBeGreaterThan(0);
      },
    ),
  );
});

it('fits two cores and a hosted database of 60 connections', () => {
  expect(budgetFor(2, 60)).toEqual({
    apiProcesses: 1,
    computeProcesses: 1,
    threadsPerCompute: 3,
    apiPool: 8,
    runnerPool: 6,
  });
});
