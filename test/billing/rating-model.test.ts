import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePriceList } from '../../src/billing/price-list.ts';
import { exactSteps, linesOf } from '../../src/billing/rate-call.ts';
import { modelOf, rated, someCall, somePlan, someRows } from './support/model.ts';

describe('the charge of a call', () => {
  it('equals a model in exact fractions, for random plans and calls', () => {
    fc.assert(
      fc.property(somePlan, someRows, someCall, (plan, rows, call) => {
        expect(rated(plan, rows, call)).toEqual(modelOf(plan, rows, call));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same sum when the call is split where a step ends', () => {
    let splits = 0;
    fc.assert(
      fc.property(somePlan, someRows, someCall, fc.nat(), (plan, rows, call, choice) => {
        const list = compilePriceList(plan, 0, rows);
        const index = list.prefixes.longest(call.number);
        if (index < 0) return;
        const entry = list.entries[index];
        const times = { answeredAt: call.answeredAt, freeSeconds: plan.freeSeconds };
        const all = linesOf(entry, times, plan.freeSeconds, call.seconds);
        if (all === null || all.length === 0) return;
        const ends = stepEnds(all, plan.freeSeconds).filter((end) => end < call.seconds);
        if (ends.length === 0) return;
        const at = ends[choice % ends.length];
        const first = linesOf(entry, times, plan.freeSeconds, at);
        const second = linesOf(entry, times, at, call.seconds);
        if (first === null || second === null) throw new Error('a part cannot be rated');
        const fee = exactSteps(entry, [{ ...second[0], seconds: 0 }]).numerator;
        const sum = exactSteps(entry, first).numerator + exactSteps(entry, second).numerator - fee;
        expect(sum).toBe(exactSteps(entry, all).numerator);
        splits += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(splits).toBeGreaterThan(500);
  });
});

/** Where each step of the lines ends, in elapsed seconds. */
function stepEnds(lines: NonNullable<ReturnType<typeof linesOf>>, freeSeconds: number): number[] {
  return lines.flatMap(({ fromSecond, seconds, group }) => {
    const ends: number[] = [];
    const isFirst = fromSecond === group.fromSecond + freeSeconds && group.minimumSeconds > 0;
    let at = fromSecond + (isFirst ? group.minimumSeconds : group.incrementSeconds);
    for (; at <= fromSecond + seconds; at += group.incrementSeconds) ends.push(at);
    return ends;
  });
}
