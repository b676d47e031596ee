import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs, Pace } from '../../src/agent/pace.ts';
import { advance, NO_PLACE, type Place } from '../../src/agent/place.ts';
import { before, later, orderOf, textOf, windowStart } from '../../src/agent/watermark.ts';

const micros = fc.bigInt({ min: -2_208_988_800_000_000n, max: 7_258_118_400_000_000n });

describe('watermarks', () => {
  it('are read back from what is written of them, to the microsecond', () => {
    fc.assert(
      fc.property(micros, fc.constantFrom('wall' as const, 'instant' as const), (at, kind) => {
        expect(orderOf(kind, textOf(kind, at * 1_000n))).toBe(at * 1_000n);
      }),
    );
  });

  it('of integers are exact beyond 2^53', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), (value) => {
        expect(textOf('integer', orderOf('integer', String(value)))).toBe(String(value));
      }),
    );
  });

  it('with an offset are the same instant however it is written', () => {
    for (const text of [
      '2024-07-01 10:00:00+02',
      '2024-07-01T08:00:00Z',
      '2024-07-01 13:30:00+05:30',
    ])
      expect(orderOf('instant', text)).toBe(orderOf('instant', '2024-07-01 08:00:00+00'));
    expect(later('wall', '2024-07-01 08:00:00.000002', '2024-07-01 08:00:00.000001')).toBe(
      '2024-07-01 08:00:00.000002',
    );
    expect(before('wall', orderOf('wall', '2024-01-01'), 1)).toBe(
      orderOf('wall', '2023-12-31 23:59:59'),
    );
  });

  it('that are none say what they should be', () => {
    expect(() => orderOf('wall', '31/12/2024')).toThrow('expected a date and time');
    expect(() => orderOf('integer', '1.5')).toThrow('expected a whole number');
  });
});

describe('the place of a source', () => {
  it('never goes back, and keeps the rows of its window and no others', () => {
    const steps = fc.array(
      fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 5 }),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 50 }), (batches, overlap) => {
        let place: Place = NO_PLACE;
        let high: string | null = null;
        const all = new Set<string>();
        for (const batch of batches) {
          for (const value of batch) {
            high = later('integer', high, String(value));
            all.add(`${value}|digest`);
          }
          const seen = batch.map((value) => `${value}|digest`);
          const watermark = { kind: 'integer' as const, high: high as string, overlap, seen };
          place = advance(place, { watermark });
        }
        if (high === null) return;
        const window = windowStart('integer', high, overlap);
        const inside = [...all].filter((entry) => window.isBeforeOrAt(entry.split('|')[0]));
        expect(place.watermark?.high).toBe(high);
        expect(new Set(place.watermark?.seen)).toEqual(new Set(inside));
      }),
    );
  });
});

describe('pace', () => {
  it('lets a second through at once and then no more than its rate', () => {
    let now = 0;
    const pace = new Pace(100, () => now);
    expect(pace.take(100)).toBe(0);
    expect(pace.take(100)).toBe(1_000);
    now = 1_000;
    expect(pace.take(50)).toBe(500);
    now = 60_000;
    expect(pace.take(100)).toBe(0);
    expect(new Pace(null).take(1e9)).toBe(0);
  });

  it('waits longer after each failure, never beyond five minutes, and not with others at once', () => {
    for (let failures = 1; failures < 40; failures++) {
      const least = backOffMs(failures, 0);
      const most = backOffMs(failures, 1);
      expect(most).toBeLessThanOrEqual(300_000);
      expect(least).toBe(most / 2);
      expect(least).toBeGreaterThanOrEqual(backOffMs(Math.max(1, failures - 1), 0));
    }
    expect(backOffMs(1, 1)).toBe(1_000);
  });
});
