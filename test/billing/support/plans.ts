import type { PlanTerms, RateRow } from '../../../src/billing/rate-plan.ts';
import { type Decimal, parseDecimal } from '../../../src/money/decimal.ts';

export const decimal = (text: string) => parseDecimal(text) as Decimal;

export function terms(more: Partial<PlanTerms> = {}): PlanTerms {
  return {
    name: 'standard',
    currency: 'EUR',
    zone: 'UTC',
    direction: 'outbound',
    prefixOf: 'callee',
    rounding: 'half_up',
    roundingScale: 4,
    freeSeconds: 0,
    minimumCharge: null,
    maximumCharge: null,
    windows: {},
    ...more,
  };
}

export function row(
  more: Partial<Omit<RateRow, 'rate' | 'connectFee'>> & { rate: string; connectFee?: string },
): RateRow {
  return {
    prefix: '*',
    window: '',
    fromSecond: 0,
    description: null,
    rateUnitSeconds: 60,
    incrementSeconds: 1,
    minimumSeconds: 0,
    ...more,
    rate: decimal(more.rate),
    connectFee: decimal(more.connectFee ?? '0'),
  };
}
