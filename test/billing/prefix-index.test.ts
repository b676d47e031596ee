import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildPrefixIndex, digitsOf } from '../../src/billing/prefix-index.ts';

const digits = (most: number) =>
  fc
    .array(fc.constantFrom('0', '1', '2', '9'), { minLength: 1, maxLength: most })
    .map((d) => d.join(''));

describe('the longest prefix', () => {
  it('is what a look at each of them finds', () => {
    fc.assert(
      fc.property(fc.uniqueArray(digits(6), { maxLength: 60 }), digits(8), (prefixes, number) => {
        const fitting = prefixes.filter((prefix) => number.startsWith(prefix));
        const longest = fitting.sort((a, b) => b.length - a.length)[0];
        const found = buildPrefixIndex(prefixes).longest(number);
        expect(found).toBe(longest === undefined ? -1 : prefixes.indexOf(longest));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not mind how a number is written', () => {
    const index = buildPrefixIndex(['44', '4420']);
    for (const number of ['+44 20 7946', '(44) 20-7946', '44.20/7946', '442']) {
      expect(index.longest(number), number).toBe(number === '442' ? 0 : 1);
    }
    for (const number of ['', 'anonymous', 'x4420', '+', '7'])
      expect(index.longest(number)).toBe(-1);
    expect(digitsOf('+44 (20) 7946;ext=5')).toBe('44207946');
  });

  it('may be the one of every number', () => {
    const index = buildPrefixIndex(['44', '*']);
    expect(['7', '', 'anonymous', '44'].map((number) => index.longest(number))).toEqual([
      1, 1, 1, 0,
    ]);
  });
});
