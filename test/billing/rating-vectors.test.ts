import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePriceList } from '../../src/billing/price-list.ts';
import { rateCall } from '../../src/billing/rate-call.ts';
import type { RateRow, Rounding } from '../../src/billing/rate-plan.ts';
import { stepsAsText } from '../../src/billing/round-amount.ts';
import { compareDecimal } from '../../src/money/decimal.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { decimal, row, terms } from './support/plans.ts';

interface VectorPlan {
  readonly connectFee: string;
  readonly groups: readonly {
    fromSec: number;
    rate: string;
    rateUnitSec: number;
    incrementSec: number;
  }[];
}

interface Vector {
  readonly id: string;
  readonly plan: string;
  readonly segments: readonly { plan: string; seconds: number }[] | null;
  readonly durationSec: number;
  readonly startUtc: string | null;
  readonly maxCost: string | null;
  readonly rounding: { readonly method: 'up' | 'middle'; readonly decimals: number };
  readonly expectedBilledSec: number;
  readonly expectedCost: string;
}

interface Published {
  readonly actualSec: number;
  readonly minSec: number;
  readonly incSec: number;
  readonly billedSec: number;
  readonly ratePerMin?: string;
  readonly cost?: string;
}

const read = <T>(file: string): T =>
  JSON.parse(readFileSync(sharedData(`rating/${file}`), 'utf8')) as T;
const MODES: Readonly<Record<string, Rounding>> = { up: 'up', middle: 'half_up' };

function rowsOf(plan: VectorPlan, window: string): RateRow[] {
  return plan.groups.map((group) =>
    row({
      window,
      fromSecond: group.fromSec,
      connectFee: plan.connectFee,
      rate: group.rate,
      rateUnitSeconds: group.rateUnitSec,
      incrementSeconds: group.incrementSec,
    }),
  );
}

describe.runIf(hasSharedData)('published calls', () => {
  const { plans, vectors } = hasSharedData
    ? read<{ plans: Record<string, VectorPlan>; vectors: Vector[] }>('cost-vectors.json')
    : { plans: {}, vectors: [] };

  it.each(vectors)('$id costs $expectedCost', (vector) => {
    const answeredAt = Date.parse(vector.startUtc ?? '2026-01-05T12:00:00Z');
    // A second segment is the window that begins when the first one is over.
    const [first, second] = vector.segments ?? [];
    const change = first && new Date(answeredAt + first.seconds * 1000).toISOString().slice(11, 16);
    const rows = [
      ...rowsOf(plans[vector.plan], ''),
      ...(second ? rowsOf(plans[second.plan], `${change}-24:00`) : []),
    ];
    const list = compilePriceList(
      terms({
        rounding: MODES[vector.rounding.method],
        roundingScale: vector.rounding.decimals,
        maximumCharge: vector.maxCost === null ? null : decimal(vector.maxCost),
      }),
      0,
      rows,
    );
    const call = rateCall(list, '49', answeredAt, vector.durationSec);
    if (typeof call === 'string') throw new Error(call);
    expect(call.billedSeconds).toBe(vector.expectedBilledSec);
    const amount = decimal(stepsAsText(call.steps, vector.rounding.decimals));
    expect(compareDecimal(amount, decimal(vector.expectedCost))).toBe(0);
  });

  it.each(hasSharedData ? read<Published[]>('published-increments.json') : [])(
    '$actualSec s under $minSec/$incSec are billed as $billedSec s',
    (published) => {
      const list = compilePriceList(terms({ roundingScale: 4 }), 0, [
        row({
          rate: published.ratePerMin ?? '0.01',
          minimumSeconds: published.minSec,
          incrementSeconds: published.incSec,
        }),
      ]);
      const call = rateCall(list, '49', 0, published.actualSec);
      if (typeof call === 'string') throw new Error(call);
      expect(call.billedSeconds).toBe(published.billedSec);
      if (published.cost) expect(stepsAsText(call.steps, 4)).toBe(published.cost);
    },
  );
});

describe('a call that runs over the end of a window', () => {
  const at = (text: string) => Date.parse(text);
  const spans = (window: string, increments: [number, number], start: string, seconds: number) => {
    const list = compilePriceList(terms(), 0, [
      row({ rate: '1', incrementSeconds: increments[0] }),
      row({ rate: '2', incrementSeconds: increments[1], window }),
    ]);
    const call = rateCall(list, '49', at(start), seconds);
    if (typeof call === 'string') throw new Error(call);
    return call.lines.map((line) => [line.fromSecond, line.seconds, line.group.window]);
  };

  it('is split where the next one begins', () => {
    expect(spans('mon-fri 08:00-20:00', [1, 1], '2015-04-24T07:59:04Z', 176)).toEqual([
      [0, 56, ''],
      [56, 120, 'mon-fri 08:00-20:00'],
    ]);
  });

  it('finishes the increment that it is in, and the next one begins behind it', () => {
    expect(spans('14:30-15:00', [15, 60], '2015-04-24T14:29:40Z', 60)).toEqual([
      [0, 30, ''],
      [30, 60, '14:30-15:00'],
    ]);
    expect(spans('14:30-15:00', [45, 1], '2015-04-24T14:29:30Z', 60)).toEqual([
      [0, 45, ''],
      [45, 15, '14:30-15:00'],
    ]);
    expect(spans('14:30-15:00', [60, 1], '2015-04-24T14:29:30Z', 45)).toEqual([[0, 60, '']]);
  });
});

describe('what a call costs', () => {
  const costOf = (plan: Parameters<typeof terms>[0], rows: RateRow[], seconds: number) => {
    const list = compilePriceList(terms(plan), 0, rows);
    const call = rateCall(list, '442071', Date.parse('2015-05-01T13:30:00Z'), seconds);
    if (typeof call === 'string') return call;
    return [call.billedSeconds, stepsAsText(call.steps, list.terms.roundingScale)];
  };

  it('goes by a date before weekdays, and by the longest prefix before both', () => {
    const friday = [
      row({ rate: '1', rateUnitSeconds: 1, window: 'mon-fri' }),
      row({ rate: '2', rateUnitSeconds: 1, window: '05-01' }),
    ];
    expect(costOf({}, friday, 1)).toEqual([1, '2.0000']);
    expect(
      costOf({}, [...friday, row({ prefix: '442', rate: '3', rateUnitSeconds: 1 })], 1),
    ).toEqual([1, '3.0000']);
  });

  it('is no zero where no prefix fits, where no window holds, or where it never ends', () => {
    expect(costOf({}, [row({ prefix: '1', rate: '1' })], 1)).toBe('no_rate');
    expect(costOf({}, [row({ window: 'sat', rate: '1' })], 1)).toBe('no_window');
    expect(costOf({}, [row({ rate: '1' })], 40 * 86_400)).toBe('too_long');
  });

  it('begins behind the free seconds, and is nothing where they cover the call', () => {
    const rows = [row({ rate: '0.6', incrementSeconds: 6, connectFee: '1' })];
    expect(costOf({ freeSeconds: 10 }, rows, 10)).toEqual([0, '0.0000']);
    expect(costOf({ freeSeconds: 10 }, rows, 11)).toEqual([6, '1.0600']);
  });

  it('stays within the bounds of the plan', () => {
    const bounds = { minimumCharge: decimal('0.5'), maximumCharge: decimal('2') };
    const rows = [row({ rate: '1', rateUnitSeconds: 60 })];
    expect(costOf(bounds, rows, 1)).toEqual([1, '0.5000']);
    expect(costOf(bounds, rows, 60)).toEqual([60, '1.0000']);
    expect(costOf(bounds, rows, 600)).toEqual([600, '2.0000']);
    expect(costOf(bounds, rows, 0)).toEqual([0, '0.0000']);
  });

  it('is rounded once, and as the plan says', () => {
    const rows = [row({ rate: '0.005', rateUnitSeconds: 1 })];
    const cents = (rounding: Rounding) => costOf({ rounding, roundingScale: 2 }, rows, 5);
    expect(cents('up')).toEqual([5, '0.03']);
    expect(cents('down')).toEqual([5, '0.02']);
    expect(cents('half_up')).toEqual([5, '0.03']);
    expect(cents('half_even')).toEqual([5, '0.02']);
  });

  it('is exact where plain numbers are not', () => {
    const rows = [row({ rate: '999999999999.999999999999', rateUnitSeconds: 7 })];
    expect(costOf({ roundingScale: 12, rounding: 'down' }, rows, 3)).toEqual([
      3,
      '428571428571.428571428571',
    ]);
  });
});
