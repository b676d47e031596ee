import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROUNDINGS } from '../../src/billing/rate-plan.ts';
import { roundQuotient, roundSafeQuotient, stepsAsText } from '../../src/billing/round-amount.ts';

const MOST = Number.MAX_SAFE_INTEGER;

describe('a quotient of plain numbers', () => {
  const rounding = fc.constantFrom(...ROUNDINGS);

  it('is that of bigints, up to the largest that are exact', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 2 ** 45 })),
        fc.nat({ max: MOST }),
        rounding,
        (divisor, raw, mode) => {
          const numerator = Math.min(raw, MOST - divisor);
          expect(BigInt(roundSafeQuotient(numerator, divisor, mode))).toBe(
            roundQuotient(BigInt(numerator), BigInt(divisor), mode),
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('is that of bigints next to each multiple and each half of one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 26 }),
        fc.integer({ min: 1, max: 2 ** 26 }),
        fc.integer({ min: -1, max: 1 }),
        fc.boolean(),
        rounding,
        (divisor, whole, near, half, mode) => {
          const at = divisor * whole + near + (half ? Math.floor(divisor / 2) : 0);
          const numerator = Math.max(0, Math.min(at, MOST - divisor));
          expect(BigInt(roundSafeQuotient(numerator, divisor, mode))).toBe(
            roundQuotient(BigInt(numerator), BigInt(divisor), mode),
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

it.each([
  [0, 0, '0'],
  [0, 4, '0.0000'],
  [7, 4, '0.0007'],
  [1234, 4, '0.1234'],
  [12345, 4, '1.2345'],
  [1, 12, '0.000000000001'],
  [123456789012345678901234n, 12, '123456789012.345678901234'],
] as const)('%s steps at scale %s are %s', (steps, scale, text) => {
  expect(stepsAsText(steps, scale)).toBe(text);
});
