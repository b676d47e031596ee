import type { Decimal } from '../money/decimal.ts';

/** What a plan says, as it is stored: terms of the plan, and the rows of its price lists. */

export const DIRECTIONS_OF_PLANS = ['outbound', 'inbound', 'internal', 'agent'] as const;
export type PlanDirection = (typeof DIRECTIONS_OF_PLANS)[number];

/**
 * How an amount becomes a multiple of 10^-scale, once, at the end: `up` away from zero, `down`
 * towards it, `half_up` to the nearest with halves away from zero, `half_even` to the even one.
 */
export const ROUNDINGS = ['up', 'down', 'half_up', 'half_even'] as const;
export type Rounding = (typeof ROUNDINGS)[number];

export const MOST_SCALE = 12;

export interface PlanTerms {
  readonly name: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Of its windows. */
  readonly zone: string;
  /** Calls that it is for where no assignment says more. */
  readonly direction: PlanDirection;
  /** The party whose number the prefixes are of. */
  readonly prefixOf: 'callee' | 'caller';
  readonly rounding: Rounding;
  /** Digits after the point, 0 to {@link MOST_SCALE}. */
  readonly roundingScale: number;
  /** At the start of each call; they cost nothing, and the clock of groups starts behind them. */
  readonly freeSeconds: number;
  /** Of a call that is billed at least a second; null: none. */
  readonly minimumCharge: Decimal | null;
  readonly maximumCharge: Decimal | null;
  /** Names that rows may use in place of a window. */
  readonly windows: Readonly<Record<string, string>>;
}

/** One row: what a second costs from an elapsed second of the call on, within a window. */
export interface RateRow {
  /** Leading digits of a number; `*`: of any. */
  readonly prefix: string;
  /** See `time-window.ts`; empty: whenever nothing more special holds. */
  readonly window: string;
  /** Elapsed second from which on it holds. */
  readonly fromSecond: number;
  readonly description: string | null;
  /** Once per call, from the row that it begins with. */
  readonly connectFee: Decimal;
  /** Per {@link rateUnitSeconds}. */
  readonly rate: Decimal;
  readonly rateUnitSeconds: number;
  /** Time is billed in whole increments. */
  readonly incrementSeconds: number;
  /** The first increment after {@link fromSecond} lasts so long, where that is not 0. */
  readonly minimumSeconds: number;
}
