import { describe, expect, it } from 'vitest';
import { type Budget, budgetFor } from '../../src/pool/budget.ts';

/** Left to migrations, commands, the primary and people with psql. */
const SPARE = 8;

const threadsOf = (budget: Budget) => budget.computeProcesses * budget.threadsPerCompute;
const connectionsOf = (budget: Budget) =>
  threadsOf(budget) + budget.runnerPool + budget.apiProcesses * budget.apiPool;

/** Every machine of 1 to 64 cores with every database that allows 20 to 500 connections. */
function* everyBudget() {
  for (let cores = 1; cores <= 64; cores++) {
    for (let max = 20; max <= 500; max++) yield { cores, max, budget: budgetFor(cores, max) };
  }
}
const wrong = (isWrong: (of: { cores: number; max: number; budget: Budget }) => boolean) =>
  [...everyBudget()].filter(isWrong);

describe('a budget', () => {
  it('never takes more connections than the database allows, but for a spare', () => {
    expect(wrong(({ max, budget }) => connectionsOf(budget) > max - SPARE)).toEqual([]);
  });

  it('has at least one of each', () => {
    expect(wrong(({ budget }) => Math.min(...Object.values(budget)) < 1)).toEqual([]);
  });

  it('has whole numbers only', () => {
    expect(wrong(({ budget }) => !Object.values(budget).every(Number.isInteger))).toEqual([]);
  });

  it('has a thread for each core where connections are enough, and at most one more', () => {
    const short = ({ cores, max, budget }: { cores: number; max: number; budget: Budget }) =>
      max >= 150 && threadsOf(budget) < cores;
    expect(wrong(short)).toEqual([]);
    expect(wrong(({ cores, budget }) => threadsOf(budget) > cores + 1)).toEqual([]);
  });

  it('leaves at most one connection that it could give to a thread', () => {
    const idle = ({ cores, max, budget }: { cores: number; max: number; budget: Budget }) =>
      threadsOf(budget) < cores && connectionsOf(budget) < max - SPARE - 1;
    expect(wrong(idle)).toEqual([]);
  });

  it('keeps at most six threads in a process, so that one that dies takes few days with it', () => {
    expect(wrong(({ budget }) => budget.threadsPerCompute > 6)).toEqual([]);
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

  it('fits 64 cores and a hosted database of 60 connections', () => {
    const budget = budgetFor(64, 60);
    expect(connectionsOf(budget)).toBeLessThanOrEqual(52);
    expect(threadsOf(budget)).toBeGreaterThanOrEqual(32);
  });
});

describe('what somebody set', () => {
  const wish = (over: Partial<Parameters<typeof budgetFor>[2]>) => ({
    ...{ apiProcesses: null, computeProcesses: null, threadsPerCompute: null },
    ...over,
  });

  it('counts, and the rest is shared out around it', () => {
    expect(budgetFor(8, 100, wish({ computeProcesses: 3 }))).toMatchObject({
      computeProcesses: 3,
      threadsPerCompute: 3,
    });
    expect(budgetFor(15, 100, wish({ threadsPerCompute: 2 }))).toMatchObject({
      computeProcesses: 8,
      threadsPerCompute: 2,
    });
    expect(budgetFor(8, 100, wish({ apiProcesses: 0 })).apiProcesses).toBe(0);
  });

  it('counts even where it is too much', () => {
    const both = wish({ computeProcesses: 10, threadsPerCompute: 20 });
    expect(threadsOf(budgetFor(2, 20, both))).toBe(200);
    expect(budgetFor(2, 20, wish({ threadsPerCompute: 5 }))).toMatchObject({
      computeProcesses: 1,
      threadsPerCompute: 5,
    });
  });
});
