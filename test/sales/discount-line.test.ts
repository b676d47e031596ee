import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDecimal, parseDecimal } from '../../src/money/decimal.ts';
import { type Grantor, priceLine } from '../../src/sales/discount-line.ts';
import type { DiscountPolicy } from '../../src/sales/discount-policy.ts';

const decimal = (text: string) => parseDecimal(text)!;

function policy(
  key: string,
  terms: DiscountPolicy['terms'],
  more: Partial<DiscountPolicy> = {},
): DiscountPolicy {
  return {
    key,
    terms,
    sku: null,
    validFrom: '2026-01-01',
    validTo: '2026-12-31',
    stacks: false,
    limitPercent: decimal('100'),
    grants: { admin: decimal('50'), analyst: decimal('10') },
    active: true,
    ...more,
  };
}
const percent = (key: string, value: string, more: Partial<DiscountPolicy> = {}) =>
  policy(key, { kind: 'percent', percent: decimal(value) }, more);
const fixed = (key: string, value: string, more: Partial<DiscountPolicy> = {}) =>
  policy(key, { kind: 'fixed', amount: decimal(value), currency: 'EUR' }, more);

function price(
  policies: readonly DiscountPolicy[],
  more: {
    readonly quantity?: string;
    readonly listPrice?: string;
    readonly discount?: string;
    readonly date?: string;
    readonly grantor?: Grantor;
    readonly currency?: string;
  } = {},
) {
  const line = {
    where: 'lines[0]',
    sku: 'SIM',
    quantity: decimal(more.quantity ?? '10'),
    listPrice: decimal(more.listPrice ?? '9.99'),
    currency: more.currency ?? 'EUR',
    discount: more.discount === undefined ? null : decimal(more.discount),
  };
  const { grantor = null } = more;
  const priced = priceLine(line, policies, more.date ?? '2026-06-01', grantor);
  return [priced.listAmount, priced.allowed, priced.discount, priced.net].map((each) =>
    formatDecimal(each, 2),
  );
}

describe('a line of a proposal', () => {
  it('costs its list amount without a policy, to the last digit', () => {
    expect(price([], { quantity: '1.5', listPrice: '0.3333' })).toEqual([
      ...['0.49995', '0.00', '0.00', '0.49995'],
    ]);
  });

  it('is given a percentage, rounded once, halves away from zero', () => {
    expect(price([percent('p', '12.5')])).toEqual(['99.90', '12.49', '12.49', '87.41']);
    expect(price([percent('p', '50')], { quantity: '1', listPrice: '0.05' })[2]).toBe('0.03');
  });

  it('is given money off, but never more than it costs', () => {
    expect(price([fixed('f', '20')])).toEqual(['99.90', '20.00', '20.00', '79.90']);
    expect(price([fixed('f', '500')])).toEqual(['99.90', '99.90', '99.90', '0.00']);
  });

  it('is given the last tier that its quantity reaches', () => {
    const terms: DiscountPolicy['terms'] = {
      kind: 'tiers',
      tiers: [
        { from: decimal('10'), percent: decimal('5') },
        { from: decimal('100'), percent: decimal('20') },
      ],
    };
    const given = (quantity: string) =>
      price([policy('t', terms)], { quantity, listPrice: '1.00' })[2];
    expect(['9.99', '10', '99', '100'].map(given)).toEqual(['0.00', '0.50', '4.95', '20.00']);
  });

  it('is given several that stack, whatever their order, and one alone that does not', () => {
    const both = [percent('a', '10', { stacks: true }), fixed('b', '5', { stacks: true })];
    expect(price(both)).toEqual(['99.90', '14.99', '14.99', '84.91']);
    expect(price(both.toReversed())).toEqual(price(both));
    expect(() => price([...both, percent('c', '1')])).toThrow(
      'lines[0]: got c beside others; expected c alone: it does not stack',
    );
  });

  it('is given no more than the limit of any of its policies', () => {
    const both = [
      percent('a', '10', { stacks: true }),
      percent('b', '10', { stacks: true, limitPercent: decimal('15') }),
    ];
    expect(() => price(both)).toThrow('expected at most 15 %: the limit of b');
    expect(price(both, { discount: '14.98' })[2]).toBe('14.98');
  });

  it('may be given less than its policies give, never more or less than nothing', () => {
    expect(price([percent('a', '10')], { discount: '3' })).toEqual([
      ...['99.90', '9.99', '3.00', '96.90'],
    ]);
    for (const discount of ['10', '-1', '9.991']) {
      expect(() => price([percent('a', '10')], { discount })).toThrow(
        'expected a discount from 0 to 9.99',
      );
    }
  });

  it('is given nothing by a policy of another date, product, currency, or one not in use', () => {
    const at = (date: string) => () => price([percent('a', '1')], { date });
    expect(at('2025-12-31')).toThrow('a policy that is valid then; it is from 2026-01-01');
    expect(at('2027-01-01')).toThrow('to 2026-12-31');
    expect(at('2026-12-31')).not.toThrow();
    expect(() => price([percent('a', '1', { sku: 'BOX' })])).toThrow('expected a policy for SIM');
    expect(() => price([fixed('a', '1')], { currency: 'USD' })).toThrow('a policy in USD');
    expect(() => price([percent('a', '1', { active: false })])).toThrow('that is in use');
  });
});

describe('who grants', () => {
  it('may grant up to what a role of theirs may, of every policy', () => {
    const grant = (grantor: Grantor, value: string) => () =>
      price([percent('p', value)], { grantor });
    expect(grant(['analyst'], '10')).not.toThrow();
    expect(grant(['analyst'], '10.1')).toThrow(
      'analyst may not grant 10.09 off 99.9 by p; it needs the role admin',
    );
    expect(grant(['analyst', 'admin'], '50')).not.toThrow();
    expect(grant(['admin'], '50.1')).toThrow('it needs an operator');
    expect(grant(null, '100')).not.toThrow();
    expect(grant(['toString'], '1')).toThrow('toString may not grant');
    expect(grant([], '1')).toThrow('nobody may not grant');
  });

  it('needs no right for a line without a discount', () => {
    expect(price([percent('p', '0')], { grantor: [] })[2]).toBe('0.00');
  });
});

it('whatever is given, list is discount and net, and none is below zero', () => {
  const money = fc
    .integer({ min: 0, max: 10_000_000 })
    .map((n) => formatDecimal({ unscaled: BigInt(n), scale: 4 }));
  fc.assert(
    fc.property(
      money,
      fc.integer({ min: 1, max: 999 }),
      fc.array(money, { maxLength: 3 }),
      fc.integer({ min: 0, max: 100 }),
      (listPrice, quantity, amounts, rate) => {
        const policies = [
          ...amounts.map((amount, i) => fixed(`f${i}`, amount, { stacks: true })),
          percent('p', String(rate), { stacks: true }),
        ];
        const [list, allowed, discount, net] = price(policies, {
          quantity: String(quantity),
          listPrice,
        }).map((text) => Math.round(Number(text) * 10_000));
        expect(list).toBe(discount + net);
        expect(Math.min(net, discount)).toBeGreaterThanOrEqual(0);
        expect(discount).toBe(allowed);
      },
    ),
  );
});
