import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_CLASSES } from '../../../src/billing/reconcile/classify.ts';
import { addDecimal, formatDecimal, parseDecimal, ZERO } from '../../../src/money/decimal.ts';
import { type Call, countsOf, linesOf, reconcileCalls } from './support/sides.ts';

const call = (at: number, more: Partial<Call> = {}): Call => ({
  caller: '+442079460000',
  callee: '+493012345',
  at,
  seconds: 60,
  amount: '1.00',
  ...more,
});

describe('which calls are the same', () => {
  it('is told by the id, whatever else the rows say', () => {
    const found = reconcileCalls(
      [call(0, { id: 'a' }), call(0, { id: 'b', callee: '+331' })],
      [call(9000, { id: 'b', callee: '+332' }), call(7000, { id: 'a' })],
    );
    expect(countsOf(found)).toEqual({ matched: 2 });
  });

  it('is told by parties and start where ids do not, within the tolerance and not beyond', () => {
    expect(countsOf(reconcileCalls([call(0)], [call(5)]))).toEqual({ matched: 1 });
    expect(countsOf(reconcileCalls([call(0)], [call(5.001)]))).toEqual({
      only_ours: 1,
      only_theirs: 1,
    });
    expect(countsOf(reconcileCalls([call(0, { id: 'x' })], [call(0, { id: 'y' })]))).toEqual({
      matched: 1,
    });
  });

  it.each([
    ['0044 20 7946 0000', '49 30 12345'],
    ['tel:+44-20-7946-0000', 'sip:+493012345@carrier.example;user=phone'],
    ['+44 (0)20 7946 0000', '(+49) 30/12345'],
    ['020 7946 0000', '004930.12345'],
  ])('is told however numbers are written: %s, %s', (caller, callee) => {
    expect(countsOf(reconcileCalls([call(0)], [call(0, { caller, callee })]))).toEqual({
      matched: 1,
    });
  });

  it('is not told by numbers that only look alike', () => {
    const others = ['+4420794600001', '+42079460000', '2079460000', 'anonymous', '112'];
    for (const caller of others) {
      expect(countsOf(reconcileCalls([call(0)], [call(0, { caller })]))).toEqual({
        only_ours: 1,
        only_theirs: 1,
      });
    }
  });

  it('is told by the callee alone where one side does not say who called', () => {
    const nobody = { caller: undefined };
    expect(countsOf(reconcileCalls([call(0)], [call(1, nobody)]))).toEqual({ matched: 1 });
    expect(countsOf(reconcileCalls([call(0, nobody)], [call(1)]))).toEqual({ matched: 1 });
  });

  it('takes as many pairs as there can be, and of these the nearest starts', () => {
    const found = reconcileCalls(
      [call(0, { seconds: 1 }), call(4, { seconds: 2 }), call(10, { seconds: 3 })],
      [call(4, { seconds: 1 }), call(8, { seconds: 2 }), call(10, { seconds: 3 })],
    );
    expect(countsOf(found)).toEqual({ matched: 3 });
    const nearest = reconcileCalls([call(0, { seconds: 7 }), call(3)], [call(2)]);
    expect(countsOf(nearest)).toEqual({ matched: 1, only_ours: 1 });
    expect(linesOf(nearest).only_ours?.[0]).toContain(' 0 7 ');
  });

  it('goes by seconds, then by amounts, where starts do not tell', () => {
    const bySeconds = reconcileCalls(
      [call(0, { seconds: 30 })],
      [call(0), call(0, { seconds: 30 })],
    );
    expect(countsOf(bySeconds)).toEqual({ matched: 1, only_theirs: 1 });
    const byAmount = reconcileCalls(
      [call(0, { amount: '2' })],
      [call(0), call(0, { amount: '2' })],
    );
    expect(countsOf(byAmount)).toEqual({ matched: 1, only_theirs: 1 });
  });
});

describe('what a row explains', () => {
  it('is duration where billed seconds differ, rate or rounding where only amounts do', () => {
    const found = reconcileCalls(
      [call(0), call(100), call(200, { amount: '0.0167' }), call(300), call(400)],
      [
        call(0, { seconds: 66, amount: '1.10' }),
        call(100, { amount: '1.20' }),
        call(200, { amount: '0.02' }),
        call(300),
        call(400, { seconds: 54 }),
      ],
    );
    expect(countsOf(found)).toEqual({ matched: 1, duration: 2, rate: 1, rounding: 1 });
    const money = (units: bigint) => formatDecimal({ unscaled: units, scale: found.scale }, 2);
    expect(money(found.classes.duration.explains)).toBe('0.10');
    expect(money(found.classes.rate.explains)).toBe('0.20');
    expect(money(found.classes.rounding.explains)).toBe('0.0033');
    expect(money(found.theirTotal - found.ourTotal)).toBe('0.3033');
  });

  it('counts as rounding up to the tolerance that was given', () => {
    const within = { seconds: 5, amount: parseDecimal('0.05') };
    const rows = (amount: string) => reconcileCalls([call(0)], [call(0, { amount })], within);
    expect(countsOf(rows('1.05'))).toEqual({ rounding: 1 });
    expect(countsOf(rows('1.0501'))).toEqual({ rate: 1 });
    const exact = { seconds: 5, amount: ZERO };
    expect(countsOf(reconcileCalls([call(0)], [call(0, { amount: '1.0001' })], exact))).toEqual({
      rate: 1,
    });
  });

  it('is a duplicate where a side has the call once more, by id or in every other respect', () => {
    const byId = reconcileCalls(
      [call(0, { id: 'a' })],
      [call(0, { id: 'a' }), call(3, { id: 'a', amount: '9' })],
    );
    expect(linesOf(byId).duplicate).toEqual(['- | a +442079460000 +493012345 3 60 9.00 | 9.00']);
    const byContent = reconcileCalls([call(0)], [call(0), call(0), call(0, { id: 'z' })]);
    expect(countsOf(byContent)).toEqual({ matched: 1, duplicate: 2 });
    const ofOurs = reconcileCalls([call(0), call(0)], [call(0)]);
    expect(linesOf(ofOurs).duplicate).toEqual(
      ['+442079460000 +493012345 0 60 1.00'].map((row) => ` ${row} | - | -1.00`),
    );
  });

  it('is a duplicate of the first where the other side has none of them', () => {
    const found = reconcileCalls([], [call(0, { id: 'a' }), call(0, { id: 'a' })]);
    expect(countsOf(found)).toEqual({ only_theirs: 1, duplicate: 1 });
  });

  it('is nothing between two sides that have nothing', () => {
    expect(countsOf(reconcileCalls([], []))).toEqual({});
  });
});

/** Few parties and starts close together, so that most calls could be several others. */
const crowded: fc.Arbitrary<Call> = fc.record({
  id: fc.constantFrom('', '', 'a', 'b', 'c'),
  caller: fc.constantFrom('', '+441', '+442'),
  callee: fc.constantFrom('+49', '+33'),
  at: fc.integer({ min: 0, max: 20 }),
  seconds: fc.constantFrom(0, 30, 60),
  amount: fc.constantFrom('0', '0.1', '-3', '1.005', '1.00', '12345678.123456'),
});
const crowd = fc.array(crowded, { maxLength: 14 });

describe('whatever the rows are', () => {
  it('their order decides nothing', () => {
    fc.assert(
      fc.property(
        crowd,
        crowd,
        fc.infiniteStream(fc.nat(1000)),
        fc.integer({ min: 0, max: 8 }),
        (ours, theirs, chance, seconds) => {
          const tolerances = { seconds, amount: null };
          const shuffled = (calls: Call[]) =>
            calls
              .map((each) => [chance.next().value, each] as const)
              .sort(([a], [b]) => a - b)
              .map(([, each]) => each);
          const one = reconcileCalls(ours, theirs, tolerances);
          const other = reconcileCalls(shuffled(ours), shuffled(theirs), tolerances);
          expect(linesOf(other)).toEqual(linesOf(one));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('each stands in one class, and the classes add up to the difference of the totals', () => {
    const total = (calls: Call[]) =>
      calls.reduce((sum, { amount }) => addDecimal(sum, parseDecimal(amount)!), ZERO);
    fc.assert(
      fc.property(crowd, crowd, (ours, theirs) => {
        const found = reconcileCalls(ours, theirs);
        const text = (units: bigint) => formatDecimal({ unscaled: units, scale: found.scale });
        expect(text(found.ourTotal)).toBe(formatDecimal(total(ours)));
        expect(text(found.theirTotal)).toBe(formatDecimal(total(theirs)));
        const lines = LINE_CLASSES.map((name) => found.classes[name]);
        expect(lines.reduce((sum, each) => sum + each.explains, 0n)).toBe(
          found.theirTotal - found.ourTotal,
        );
        const rows = (side: 'ours' | 'theirs') =>
          lines.flatMap((each) => [...each[side]].filter((row) => row >= 0)).sort((a, b) => a - b);
        expect(rows('ours')).toEqual(ours.map((_, i) => i));
        expect(rows('theirs')).toEqual(theirs.map((_, i) => i));
      }),
      { numRuns: 1000 },
    );
  });

  it('as many are paired, as near to each other, as by trying everything', () => {
    const near = fc.array(
      fc.record({
        callee: fc.constant('+49'),
        caller: fc.constant('+44'),
        at: fc.integer({ min: 0, max: 12 }),
        seconds: fc.constant(1),
        amount: fc.constant('1'),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(near, near, fc.integer({ min: 0, max: 4 }), (ours, theirs, seconds) => {
        const found = reconcileCalls(ours, theirs, { seconds, amount: null });
        const apart = [...found.matching.ofOurs].flatMap((b, a) =>
          b < 0 ? [] : [Math.abs(ours[a].at - theirs[b].at)],
        );
        const best = bestByTrying(
          ours.map(({ at }) => at),
          theirs.map(({ at }) => at),
          seconds,
        );
        expect([apart.length, apart.reduce((sum, each) => sum + each, 0)]).toEqual(best);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Most pairs, then the least sum of distances. */
function bestByTrying(a: readonly number[], b: readonly number[], within: number): number[] {
  if (a.length === 0) return [0, 0];
  const [first, ...rest] = a;
  let best = bestByTrying(rest, b, within);
  b.forEach((each, i) => {
    const apart = Math.abs(first - each);
    if (apart > within) return;
    const [pairs, sum] = bestByTrying(rest, b.toSpliced(i, 1), within);
    if (pairs + 1 > best[0] || (pairs + 1 === best[0] && sum + apart < best[1])) {
      best = [pairs + 1, sum + apart];
    }
  });
  return best;
}
