import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addDecimal,
  compareDecimal,
  type Decimal,
  divideToScale,
  formatDecimal,
  multiplyDecimal,
  negate,
  parseDecimal,
  subtractDecimal,
} from '../../src/money/decimal.ts';

const decimals = fc.record({
  unscaled: fc.oneof(fc.bigInt(-1000n, 1000n), fc.bigInt(-(10n ** 40n), 10n ** 40n)),
  scale: fc.nat(30),
});

/** A number as a fraction of big integers: the model that decimals must agree with. */
interface Fraction {
  over: bigint;
  under: bigint;
}
const fractionOf = (d: Decimal): Fraction => ({ over: d.unscaled, under: 10n ** BigInt(d.scale) });
const areEqual = (a: Fraction, b: Fraction) => a.over * b.under === b.over * a.under;

function parsed(text: string): Decimal {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(`${text} is no decimal`);
  return decimal;
}

describe('arithmetic agrees with fractions of big integers', () => {
  test('sums, differences and products are exact', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        const [x, y] = [fractionOf(a), fractionOf(b)];
        const under = x.under * y.under;
        const sum = { over: x.over * y.under + y.over * x.under, under };
        const difference = { over: x.over * y.under - y.over * x.under, under };
        expect(areEqual(fractionOf(addDecimal(a, b)), sum)).toBe(true);
        expect(areEqual(fractionOf(subtractDecimal(a, b)), difference)).toBe(true);
        expect(areEqual(fractionOf(multiplyDecimal(a, b)), { over: x.over * y.over, under })).toBe(
          true,
        );
        expect(areEqual(fractionOf(negate(a)), { over: -x.over, under: x.under })).toBe(true);
      }),
    );
  });

  test('comparison is by value', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        const difference =
          a.unscaled * 10n ** BigInt(b.scale) - b.unscaled * 10n ** BigInt(a.scale);
        expect(compareDecimal(a, b)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
    );
    expect(compareDecimal(parsed('1.5'), parsed('1.50'))).toBe(0);
  });

  test('a quotient is off by at most half a unit of its last place, and by half only away from zero', () => {
    fc.assert(
      fc.property(decimals, decimals, fc.nat(12), (a, b, scale) => {
        fc.pre(b.unscaled !== 0n);
        const quotient = divideToScale(a, b, scale);
        expect(quotient.scale).toBe(scale);
        // |quotient × b − a| × 2 ≤ unit × |b|, all as integers of one scale
        const product = multiplyDecimal(quotient, b);
        const error = subtractDecimal(product, a);
        const unit = multiplyDecimal({ unscaled: 1n, scale }, size(b));
        const order = compareDecimal(multiplyDecimal(size(error), parsed('2')), unit);
        expect(order).toBeLessThanOrEqual(0);
        if (order === 0) expect(compareDecimal(size(product), size(a))).toBe(1);
      }),
    );
  });

  test.each([
    ['1', '3', 2, '0.33'],
    ['2', '3', 2, '0.67'],
    ['0.125', '1', 2, '0.13'],
    ['-0.125', '1', 2, '-0.13'],
    ['0.125', '-1', 2, '-0.13'],
    ['-1', '-8', 2, '0.13'],
    ['0.1249999', '1', 2, '0.12'],
    ['5', '10', 0, '1'],
    ['-4', '10', 0, '0'],
  ])('%s ÷ %s to %d places is %s', (numerator, denominator, scale, expected) => {
    const quotient = divideToScale(parsed(numerator), parsed(denominator), scale);
    expect(formatDecimal(quotient, scale)).toBe(expected);
  });

  test('dividing by zero is refused', () => {
    expect(() => divideToScale(parsed('1'), parsed('0.00'), 2)).toThrow('divided by zero');
  });
});

describe('text', () => {
  test('what is printed is read back equal, with at least the digits asked for', () => {
    fc.assert(
      fc.property(decimals, fc.nat(8), (d, minScale) => {
        const text = formatDecimal(d, minScale);
        expect(compareDecimal(parsed(text), d)).toBe(0);
        const fraction = text.split('.')[1] ?? '';
        expect(fraction.length).toBeGreaterThanOrEqual(minScale);
        if (fraction.length > minScale) expect(fraction.endsWith('0')).toBe(false);
      }),
    );
  });

  test.each([
    ['-0', 0, '0'],
    ['-0.00', 2, '0.00'],
    ['100', 0, '100'],
    ['12.500', 0, '12.5'],
    ['12.500', 2, '12.50'],
    ['12', 2, '12.00'],
    ['-0.05', 0, '-0.05'],
    ['+7.0', 0, '7'],
    ['007.10', 0, '7.1'],
  ])('%s with at least %d places is %s', (text, minScale, expected) => {
    expect(formatDecimal(parsed(text), minScale)).toBe(expected);
  });

  test.each([
    '',
    '.',
    '.5',
    '5.',
    '-',
    '+',
    '--1',
    '1e3',
    'NaN',
    'Infinity',
    '0x10',
    '1,5',
    ' 1',
    '1 ',
    '1\n',
    '1.2.3',
    '1_000',
    '١',
  ])('%j is no number: it is not parsed', (text) => {
    expect(parseDecimal(text)).toBeNull();
  });
});

function size(d: Decimal): Decimal {
  return d.unscaled < 0n ? negate(d) : d;
}
