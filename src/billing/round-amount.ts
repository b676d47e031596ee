import type { Rounding } from './rate-plan.ts';

/** `numerator` ÷ `divisor` as a whole number; both are ≥ 0, the divisor > 0. */
export function roundQuotient(numerator: bigint, divisor: bigint, rounding: Rounding): bigint {
  const rest = numerator % divisor;
  const whole = numerator / divisor;
  if (rest === 0n) return whole;
  switch (rounding) {
    case 'up':
      return whole + 1n;
    case 'down':
      return whole;
    case 'half_up':
      return rest * 2n >= divisor ? whole + 1n : whole;
    case 'half_even':
      if (rest * 2n === divisor) return whole + (whole & 1n);
      return rest * 2n > divisor ? whole + 1n : whole;
  }
}

/**
 * {@link roundQuotient} of whole numbers that are exact in a double: both are at most 2^53, and the
 * divisor at most 2^52. The remainder is exact, so what is divided is a multiple of the divisor,
 * and the quotient is exact too.
 */
export function roundSafeQuotient(numerator: number, divisor: number, rounding: Rounding): number {
  const rest = numerator % divisor;
  const whole = (numerator - rest) / divisor;
  if (rest === 0) return whole;
  switch (rounding) {
    case 'up':
      return whole + 1;
    case 'down':
      return whole;
    case 'half_up':
      return rest * 2 >= divisor ? whole + 1 : whole;
    case 'half_even':
      if (rest * 2 === divisor) return whole + (whole % 2);
      return rest * 2 > divisor ? whole + 1 : whole;
  }
}

/** A whole number of steps of 10^-scale as plain text: 12345 at scale 4 is `1.2345`. */
export function stepsAsText(steps: number | bigint, scale: number): string {
  const digits = String(steps);
  if (scale === 0) return digits;
  const padded = digits.length > scale ? digits : digits.padStart(scale + 1, '0');
  return `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}
