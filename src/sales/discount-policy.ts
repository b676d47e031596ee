import { DaybookError } from '../errors.ts';
import { compareDecimal, type Decimal, formatDecimal, parseDecimal } from '../money/decimal.ts';

/** A rule by which discounts are given, and by whom. Percents are of a line's list amount. */
export interface DiscountPolicy {
  readonly key: string;
  readonly terms: DiscountTerms;
  /** Null: of any product. */
  readonly sku: string | null;
  /** Local dates, inclusive; null: no end. */
  readonly validFrom: string;
  readonly validTo: string | null;
  /** It may be given beside others that may, too. */
  readonly stacks: boolean;
  /** The most that a line it is part of may be given in all, percent. */
  readonly limitPercent: Decimal;
  /** Role → the most percent of a line that it may grant. Who is not in it grants nothing. */
  readonly grants: Readonly<Record<string, Decimal>>;
  readonly active: boolean;
}

export type DiscountTerms =
  | { readonly kind: 'percent'; readonly percent: Decimal }
  /** Money off the line, whatever its quantity. */
  | { readonly kind: 'fixed'; readonly amount: Decimal; readonly currency: string }
  /** The last tier whose quantity the line reaches; none: nothing. */
  | { readonly kind: 'tiers'; readonly tiers: readonly Tier[] };

export interface Tier {
  readonly from: Decimal;
  readonly percent: Decimal;
}

export const HUNDRED: Decimal = { unscaled: 100n, scale: 0 };

/** @throws DaybookError `E_INVALID` unless it is a decimal from 0 to 100 */
export function parsePercent(text: string, where: string): Decimal {
  const percent = parseDecimal(text);
  const inRange =
    percent !== null && percent.unscaled >= 0n && compareDecimal(percent, HUNDRED) <= 0;
  if (inRange) return percent;
  throw new DaybookError('E_INVALID', {
    where,
    got: JSON.stringify(text.slice(0, 64)),
    expected: 'a percentage from 0 to 100 such as 12.5',
  });
}

/** @throws DaybookError `E_INVALID` unless quantities ascend and there is a tier */
export function parseTiers(rows: readonly (readonly [string, string])[], where: string): Tier[] {
  const tiers = rows.map(([from, percent], index): Tier => {
    const quantity = parseDecimal(from);
    if (quantity === null || quantity.unscaled <= 0n) {
      throw new DaybookError('E_INVALID', {
        where: `${where}[${index}]`,
        got: JSON.stringify(from.slice(0, 64)),
        expected: 'a quantity above 0',
      });
    }
    return { from: quantity, percent: parsePercent(percent, `${where}[${index}]`) };
  });
  const wrong = tiers.findIndex(
    (tier, i) => i > 0 && compareDecimal(tiers[i - 1].from, tier.from) >= 0,
  );
  if (tiers.length > 0 && wrong < 0) return tiers;
  throw new DaybookError('E_INVALID', {
    where: wrong < 0 ? where : `${where}[${wrong}]`,
    got: wrong < 0 ? 'none' : formatDecimal(tiers[wrong].from),
    expected: 'quantities that ascend',
  });
}
