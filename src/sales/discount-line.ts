import { DaybookError } from '../errors.ts';
import {
  addDecimal,
  compareDecimal,
  type Decimal,
  divideToScale,
  formatDecimal,
  multiplyDecimal,
  subtractDecimal,
  ZERO,
} from '../money/decimal.ts';
import { type DiscountPolicy, type DiscountTerms, HUNDRED } from './discount-policy.ts';

/** What a line of a proposal costs, and what of it is given away. Money is exact. */

export interface LineWanted {
  /** For messages, such as `lines[0]`. */
  readonly where: string;
  readonly sku: string;
  /** Above 0. */
  readonly quantity: Decimal;
  /** Of one. */
  readonly listPrice: Decimal;
  readonly currency: string;
  /** Less than the policies give; null: all that they give. */
  readonly discount: Decimal | null;
}

export interface PricedLine {
  readonly listAmount: Decimal;
  /** The most that its policies give. */
  readonly allowed: Decimal;
  readonly discount: Decimal;
  readonly net: Decimal;
}

/** Who grants: roles as policies name them; null: whoever runs this Daybook, without a limit. */
export type Grantor = readonly string[] | null;

/** Digits after the point of what is given: it is rounded once, halves away from zero. */
const MONEY_SCALE = 2;

/**
 * Prices a line. Each policy gives its part of the list amount, so that their order does not
 * matter; a line is never given more than it costs.
 * @param date local, on which the policies must be valid
 * @throws DaybookError `E_INVALID` when a policy is not for the line or the date, does not stack,
 *   passes a limit, or gives less than is wanted; `E_FORBIDDEN` when the grantor may not give it
 */
export function priceLine(
  line: LineWanted,
  policies: readonly DiscountPolicy[],
  date: string,
  grantor: Grantor,
): PricedLine {
  for (const policy of policies) demandApplies(line, policy, date);
  const single = policies.find(({ stacks }) => !stacks);
  if (policies.length > 1 && single) {
    throw refused(line, `${single.key} beside others`, `${single.key} alone: it does not stack`);
  }
  const listAmount = multiplyDecimal(line.quantity, line.listPrice);
  const sum = policies.reduce(
    (total, { terms }) => addDecimal(total, givenBy(terms, line.quantity, listAmount)),
    ZERO,
  );
  const most = compareDecimal(sum, listAmount) > 0 ? listAmount : sum;
  const allowed = roundedWithin(most, listAmount);
  const discount = line.discount ?? allowed;
  if (discount.unscaled < 0n || compareDecimal(discount, allowed) > 0) {
    const given = formatDecimal(allowed, MONEY_SCALE);
    throw refused(
      line,
      formatDecimal(discount),
      `a discount from 0 to ${given}: policies give so much`,
    );
  }
  for (const policy of policies) {
    if (!isWithin(discount, policy.limitPercent, listAmount)) {
      const limit = formatDecimal(policy.limitPercent);
      throw refused(
        line,
        `a discount of ${formatDecimal(discount)} on ${formatDecimal(listAmount)}`,
        `at most ${limit} %: the limit of ${policy.key}`,
      );
    }
  }
  demandMayGrant({ discount, listAmount }, policies, grantor);
  return { listAmount, allowed, discount, net: subtractDecimal(listAmount, discount) };
}

/**
 * Whether a discount is one that the grantor may give: within what every one of its policies lets
 * one of its roles grant.
 * @throws DaybookError `E_FORBIDDEN`
 */
export function demandMayGrant(
  { discount, listAmount }: Pick<PricedLine, 'discount' | 'listAmount'>,
  policies: readonly DiscountPolicy[],
  grantor: Grantor,
): void {
  if (grantor === null || discount.unscaled === 0n) return;
  for (const policy of policies) {
    const own = grantor.map((role) =>
      Object.hasOwn(policy.grants, role) ? policy.grants[role] : ZERO,
    );
    if (own.some((percent) => isWithin(discount, percent, listAmount))) continue;
    const roles = Object.entries(policy.grants)
      .filter(([, percent]) => isWithin(discount, percent, listAmount))
      .map(([role]) => role);
    throw new DaybookError('E_FORBIDDEN', {
      who: grantor.join(', ') || 'nobody',
      action: `grant ${formatDecimal(discount)} off ${formatDecimal(listAmount)} by ${policy.key}`,
      expected: roles.length > 0 ? `the role ${roles.join(' or ')}` : 'an operator',
    });
  }
}

function demandApplies(line: LineWanted, policy: DiscountPolicy, date: string): void {
  const { key, sku, validFrom, validTo, terms, active } = policy;
  if (!active) throw refused(line, key, 'a policy that is in use');
  if (date < validFrom || (validTo !== null && date > validTo)) {
    const span = `from ${validFrom}${validTo === null ? ' on' : ` to ${validTo}`}`;
    throw refused(line, `${key} on ${date}`, `a policy that is valid then; it is ${span}`);
  }
  if (sku !== null && sku !== line.sku) throw refused(line, key, `a policy for ${line.sku}`);
  if (terms.kind === 'fixed' && terms.currency !== line.currency) {
    throw refused(line, `${key} in ${terms.currency}`, `a policy in ${line.currency}`);
  }
}

function givenBy(terms: DiscountTerms, quantity: Decimal, listAmount: Decimal): Decimal {
  switch (terms.kind) {
    case 'percent':
      return percentOf(terms.percent, listAmount);
    case 'fixed':
      return terms.amount;
    case 'tiers': {
      const tier = terms.tiers.findLast(({ from }) => compareDecimal(from, quantity) <= 0);
      return tier ? percentOf(tier.percent, listAmount) : ZERO;
    }
  }
}

/** Exact: a hundredth only moves the point. */
function percentOf(percent: Decimal, amount: Decimal): Decimal {
  const product = multiplyDecimal(percent, amount);
  return { unscaled: product.unscaled, scale: product.scale + 2 };
}

/** Rounded to money, unless that would be more than the line costs. */
function roundedWithin(amount: Decimal, listAmount: Decimal): Decimal {
  const rounded = divideToScale(amount, { unscaled: 1n, scale: 0 }, MONEY_SCALE);
  return compareDecimal(rounded, listAmount) > 0 ? listAmount : rounded;
}

/** `discount` ≤ `percent` of `listAmount`, or what that is when it is rounded to money. */
function isWithin(discount: Decimal, percent: Decimal, listAmount: Decimal): boolean {
  const limit = percentOf(percent, listAmount);
  return (
    compareDecimal(discount, limit) <= 0 ||
    (compareDecimal(percent, HUNDRED) < 0 &&
      compareDecimal(discount, divideToScale(limit, { unscaled: 1n, scale: 0 }, MONEY_SCALE)) <= 0)
  );
}

function refused({ where }: LineWanted, got: string, expected: string): DaybookError {
  return new DaybookError('E_INVALID', { where, got, expected });
}
