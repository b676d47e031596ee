import { DaybookError } from '../errors.ts';

/** An exact decimal number: `unscaled` ÷ 10^`scale`; `scale` ≥ 0. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { unscaled: 0n, scale: 0 };

/** `[+-]?digits[.digits]`, such as `-12.50`; null for anything else: exponents, `.5`, `5.`, spaces. */
export function parseDecimal(text: string): Decimal | null {
  if (!/^[+-]?\d+(\.\d+)?$/.test(text)) return null;
  const point = text.indexOf('.');
  const plain = text.startsWith('+') ? 1 : 0;
  if (point < 0) return { unscaled: BigInt(text.slice(plain)), scale: 0 };
  const unscaled = BigInt(text.slice(plain, point) + text.slice(point + 1));
  return { unscaled, scale: text.length - point - 1 };
}

export function addDecimal(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { unscaled: unscaledAt(a, scale) + unscaledAt(b, scale), scale };
}

export function subtractDecimal(a: Decimal, b: Decimal): Decimal {
  return addDecimal(a, negate(b));
}

/** The exact product; its scale is the sum of both. */
export function multiplyDecimal(a: Decimal, b: Decimal): Decimal {
  return { unscaled: a.unscaled * b.unscaled, scale: a.scale + b.scale };
}

export function negate(d: Decimal): Decimal {
  return { unscaled: -d.unscaled, scale: d.scale };
}

/** By value: 1.5 equals 1.50. */
export function compareDecimal(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const { unscaled } = subtractDecimal(a, b);
  return unscaled < 0n ? -1 : unscaled > 0n ? 1 : 0;
}

/**
 * The quotient, rounded to `scale` digits after the point, halves away from zero.
 * @throws DaybookError `E_INTERNAL` when `denominator` is zero: what that means is the caller's to say
 */
export function divideToScale(numerator: Decimal, denominator: Decimal, scale: number): Decimal {
  if (denominator.unscaled === 0n) {
    throw new DaybookError('E_INTERNAL', { reason: 'a decimal was divided by zero' });
  }
  const up = numerator.unscaled * powerOfTen(scale + denominator.scale);
  const down = denominator.unscaled * powerOfTen(numerator.scale);
  const negative = up < 0n !== down < 0n;
  const double = 2n * (up < 0n ? -up : up);
  const size = down < 0n ? -down : down;
  const rounded = (double + size) / (2n * size);
  return { unscaled: negative ? -rounded : rounded, scale };
}

/** Plain text with at least `minScale` digits after the point, and no zeros behind those. */
export function formatDecimal(d: Decimal, minScale = 0): string {
  const negative = d.unscaled < 0n;
  const digits = (negative ? -d.unscaled : d.unscaled).toString().padStart(d.scale + 1, '0');
  const whole = digits.slice(0, digits.length - d.scale);
  const fraction = digits.slice(whole.length);
  let length = fraction.length;
  while (length > minScale && fraction[length - 1] === '0') length--;
  const kept = fraction.slice(0, length).padEnd(minScale, '0');
  return `${negative ? '-' : ''}${whole}${kept === '' ? '' : `.${kept}`}`;
}

function unscaledAt(d: Decimal, scale: number): bigint {
  return d.scale === scale ? d.unscaled : d.unscaled * powerOfTen(scale - d.scale);
}

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}
