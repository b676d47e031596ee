import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineClass } from '../../../src/billing/reconcile/classify.ts';
import { type Call, linesOf, reconcileCalls } from './support/sides.ts';

/** A month in which each party calls each other at most every ten minutes, and what was planted. */
function planted(seed: number, calls: number) {
  let state = seed >>> 0 || 1;
  const chance = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const ours: Call[] = [];
  const theirs: Call[] = [];
  const expected: Partial<Record<LineClass, string[]>> = {};
  const expect = (name: LineClass, callee: string) => {
    expected[name] ??= [];
    expected[name].push(callee);
  };
  for (let i = 0; i < calls; i++) {
    const seconds = chance(600);
    const units = seconds * 37 + 20;
    const own: Call = {
      // A third share ids, a third have ids of their own each, a third have none.
      id: i % 3 === 0 ? `id-${i}` : i % 3 === 1 ? `ours-${i}` : '',
      caller: `+4420${70_000_000 + chance(50)}`,
      callee: `+49${1_000_000_000 + i}`,
      at: chance(2_600_000),
      seconds,
      amount: `${Math.floor(units / 10_000)}.${String(units % 10_000).padStart(4, '0')}`,
    };
    const more = (plus: number) =>
      `${Math.floor((units + plus) / 10_000)}.${String((units + plus) % 10_000).padStart(4, '0')}`;
    const other: Call = {
      ...own,
      id: i % 3 === 0 ? own.id : i % 3 === 1 ? `theirs-${i}` : '',
      at: own.at + chance(7) - 3,
      caller: own.caller?.replace('+', chance(2) === 0 ? '00' : ''),
    };
    const kind = chance(40);
    if (kind === 0) {
      ours.push(own);
      expect('only_ours', own.callee);
    } else if (kind === 1) {
      theirs.push(other);
      expect('only_theirs', own.callee);
    } else if (kind === 2) {
      ours.push(own);
      theirs.push({ ...other, seconds: seconds + 6, amount: more(222) });
      expect('duration', own.callee);
    } else if (kind === 3) {
      ours.push(own);
      theirs.push({ ...other, amount: more(2 + chance(500)) });
      expect('rate', own.callee);
    } else if (kind === 4) {
      ours.push(own);
      theirs.push({ ...other, amount: more(1) });
      expect('rounding', own.callee);
    } else if (kind === 5) {
      ours.push(own);
      theirs.push(other, i % 3 === 1 ? { ...other, id: `again-${i}` } : other);
      expect('matched', own.callee);
      expect('duplicate', own.callee);
    } else {
      ours.push(own);
      theirs.push(other);
      expect('matched', own.callee);
    }
  }
  return { ours, theirs, expected };
}

describe('planted differences', () => {
  it('are all found as what they are, and no others', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { ours, theirs, expected } = planted(seed, 2_000);
        const lines = linesOf(reconcileCalls(ours, theirs));
        const found: Partial<Record<LineClass, string[]>> = {};
        for (const [name, texts] of Object.entries(lines)) {
          found[name as LineClass] = texts.map((text) => /\+49\d+/.exec(text)![0]).sort();
        }
        for (const texts of Object.values(expected)) texts.sort();
        expect(found).toEqual(expected);
        expect(Object.keys(expected)).toHaveLength(7);
      }),
      { numRuns: 25 },
    );
  });

  it('are found where one pair of parties calls every three seconds all day', () => {
    const day = Array.from(
      { length: 28_000 },
      (_, i): Call => ({
        caller: '+441',
        callee: '+492',
        at: i * 3,
        seconds: 1 + (i % 50),
        amount: '0.01',
      }),
    );
    const theirs = day.filter((_, i) => i % 1000 !== 500);
    const lines = linesOf(reconcileCalls(day, theirs.toReversed(), { seconds: 5, amount: null }));
    expect(lines.only_ours?.length).toBe(28);
    expect(lines.matched?.length).toBe(28_000 - 28);
    expect(lines.duration).toBeUndefined();
  });

  it('do not take for ever where thousands of calls could be each other', () => {
    const crowd = Array.from(
      { length: 7_000 },
      (_, i): Call => ({
        caller: '+441',
        callee: '+492',
        at: i % 5,
        seconds: i,
        amount: '0.01',
      }),
    );
    const found = reconcileCalls(crowd, crowd.slice(1).reverse(), { seconds: 5, amount: null });
    expect(found.classes.only_ours.ours).toHaveLength(1);
  });
});
