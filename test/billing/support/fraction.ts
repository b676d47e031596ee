/** Exact fractions of bigints: what the rating is compared with, so it shares nothing with it. */
export interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

export function fraction(text: string): Fraction {
  const [whole, digits = ''] = text.split('.');
  return reduce(BigInt(whole + digits), 10n ** BigInt(digits.length));
}

export const whole = (value: number): Fraction => ({ over: BigInt(value), under: 1n });

export function plus(a: Fraction, b: Fraction): Fraction {
  return reduce(a.over * b.under + b.over * a.under, a.under * b.under);
}

export function times(a: Fraction, b: Fraction): Fraction {
  return reduce(a.over * b.over, a.under * b.under);
}

export function per(a: Fraction, b: Fraction): Fraction {
  return reduce(a.over * b.under, a.under * b.over);
}

export function less(a: Fraction, b: Fraction): boolean {
  return a.over * b.under < b.over * a.under;
}

/** A fraction ≥ 0 as decimal text with exactly so many digits. */
export function rounded(value: Fraction, mode: string, scale: number): string {
  const over = value.over * 10n ** BigInt(scale);
  const floor = over / value.under;
  const twice = (over - floor * value.under) * 2n;
  const exact = twice === 0n;
  const up =
    mode === 'up'
      ? !exact
      : mode === 'half_up'
        ? twice >= value.under
        : mode === 'half_even'
          ? twice > value.under || (twice === value.under && floor % 2n === 1n)
          : false;
  const digits = String(up ? floor + 1n : floor).padStart(scale + 1, '0');
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function reduce(over: bigint, under: bigint): Fraction {
  let a = over < 0n ? -over : over;
  let b = under;
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? { over: 0n, under: 1n } : { over: over / a, under: under / a };
}
