import { type Decimal, formatDecimal } from '../money/decimal.ts';
import { buildPrefixIndex, type PrefixIndex } from './prefix-index.ts';
import type { PlanTerms, RateRow } from './rate-plan.ts';
import { parseTimeWindow, type TimeWindow } from './time-window.ts';
import { WindowClock } from './window-clock.ts';

/**
 * One version of a plan, ready to rate by. Money is whole numbers: within an entry everything
 * counts in parts of 10^-scale ÷ `unitSeconds`, where the unit is a common multiple of all that the
 * entry's rates are per, so that no second needs a fraction. Where the dearest call that can be
 * rated stays within 2^53 such parts, plain numbers carry them exactly; else bigints do.
 */

/** Longer calls are not rated: somebody forgot to hang up. 30 days. */
export const LONGEST_CALL_SECONDS = 30 * 86_400;

export interface PriceList {
  readonly terms: PlanTerms;
  /** UTC epoch ms from which on it is valid. */
  readonly validFrom: number;
  readonly prefixes: PrefixIndex;
  /** In the order of the index. */
  readonly entries: readonly PriceEntry[];
}

/** Everything under one prefix. */
export interface PriceEntry {
  readonly prefix: string;
  /** Null: one set of groups holds at all times. */
  readonly clock: WindowClock | null;
  /** Groups by index of the window; the last ones hold when no window does, and may be absent. */
  readonly groups: readonly (readonly PriceGroup[] | null)[];
  /** Parts of a step of rounding: an amount is `parts` × `multiplier` ÷ `divisor` steps. */
  readonly multiplier: bigint;
  readonly divisor: bigint;
  readonly minimumParts: bigint;
  /** Null: no bound. */
  readonly maximumParts: bigint | null;
  /** The same in plain numbers, where all of them and all amounts are exact; else null. */
  readonly safe: SafeFactors | null;
}

export interface SafeFactors {
  readonly multiplier: number;
  readonly divisor: number;
  readonly minimumParts: number;
  readonly maximumParts: number;
}

/** From an elapsed second on, until the next group of the window. */
export interface PriceGroup {
  readonly fromSecond: number;
  readonly incrementSeconds: number;
  readonly minimumSeconds: number;
  readonly partsPerSecond: bigint;
  readonly connectParts: bigint;
  /** Exact only where the entry is safe. */
  readonly safePartsPerSecond: number;
  readonly safeConnectParts: number;
  /** As they are shown. */
  readonly window: string;
  readonly rate: string;
  readonly rateUnitSeconds: number;
  readonly connectFee: string;
}

/**
 * @param rows that `checkRates` has passed, in any order
 * @throws RangeError for rows that it would not pass
 */
export function compilePriceList(
  terms: PlanTerms,
  validFrom: number,
  rows: readonly RateRow[],
): PriceList {
  const byPrefix = new Map<string, RateRow[]>();
  for (const row of rows) {
    const known = byPrefix.get(row.prefix);
    if (known) known.push(row);
    else byPrefix.set(row.prefix, [row]);
  }
  const clocks = new Map<string, WindowClock>();
  const entries = [...byPrefix].map(([prefix, its]) => compileEntry(terms, prefix, its, clocks));
  return {
    terms,
    validFrom,
    prefixes: buildPrefixIndex(entries.map(({ prefix }) => prefix)),
    entries,
  };
}

/** A window as a row names it: by one of the plan's names, or by itself. Null: it is none. */
export function windowOfRow(terms: PlanTerms, window: string): TimeWindow | null {
  const named = Object.hasOwn(terms.windows, window) ? terms.windows[window] : window;
  return parseTimeWindow(named);
}

function compileEntry(
  terms: PlanTerms,
  prefix: string,
  rows: readonly RateRow[],
  clocks: Map<string, WindowClock>,
): PriceEntry {
  const windows = [...new Set(rows.map((row) => row.window))].filter((window) => window !== '');
  const { roundingScale, minimumCharge, maximumCharge } = terms;
  const money = rows.flatMap((row) => [row.rate, row.connectFee]);
  const bounds = [minimumCharge, maximumCharge].filter((bound) => bound !== null);
  const scale = Math.max(...[...money, ...bounds].map((decimal) => decimal.scale));
  const unit = rows.map((row) => BigInt(row.rateUnitSeconds)).reduce(leastCommonMultiple, 1n);

  const partsOf = (decimal: Decimal) => decimal.unscaled * 10n ** BigInt(scale - decimal.scale);
  const groupOf = (row: RateRow): PriceGroup => {
    const partsPerSecond = (partsOf(row.rate) * unit) / BigInt(row.rateUnitSeconds);
    const connectParts = partsOf(row.connectFee) * unit;
    return {
      fromSecond: row.fromSecond,
      incrementSeconds: row.incrementSeconds,
      minimumSeconds: row.minimumSeconds,
      partsPerSecond,
      connectParts,
      safePartsPerSecond: Number(partsPerSecond),
      safeConnectParts: Number(connectParts),
      window: row.window,
      rate: formatDecimal(row.rate),
      rateUnitSeconds: row.rateUnitSeconds,
      connectFee: formatDecimal(row.connectFee),
    };
  };
  const groupsOf = (window: string) => {
    const its = rows.filter((row) => row.window === window).map(groupOf);
    return its.length === 0 ? null : its.sort((a, b) => a.fromSecond - b.fromSecond);
  };
  const groups = [...windows, ''].map(groupsOf);
  const factors = {
    multiplier: 10n ** BigInt(Math.max(0, roundingScale - scale)),
    divisor: 10n ** BigInt(Math.max(0, scale - roundingScale)) * unit,
    minimumParts: minimumCharge === null ? 0n : partsOf(minimumCharge) * unit,
    maximumParts: maximumCharge === null ? null : partsOf(maximumCharge) * unit,
  };
  return {
    prefix,
    clock: windows.length === 0 ? null : clockOf(terms, windows, clocks),
    groups,
    ...factors,
    safe: safeFactorsOf(factors, groups.flat()),
  };
}

/** Prefixes with the same windows share one clock, and what it has found out. */
function clockOf(
  terms: PlanTerms,
  windows: readonly string[],
  clocks: Map<string, WindowClock>,
): WindowClock {
  const key = JSON.stringify(windows);
  const known = clocks.get(key);
  if (known) return known;
  const parsed = windows.map((window) => {
    const one = windowOfRow(terms, window);
    if (one === null) throw new RangeError(`not a window: ${window}`);
    return one;
  });
  const clock = new WindowClock(parsed, terms.zone);
  clocks.set(key, clock);
  return clock;
}

/** An increment that begins within the longest call may end so much later. */
function safeFactorsOf(
  factors: Pick<PriceEntry, 'multiplier' | 'divisor' | 'minimumParts' | 'maximumParts'>,
  groups: readonly (PriceGroup | null)[],
): SafeFactors | null {
  const all = groups.filter((group) => group !== null);
  const most = (of: (group: PriceGroup) => bigint) =>
    all.map(of).reduce((a, b) => (a > b ? a : b), 0n);
  const overshoot = most(({ incrementSeconds, minimumSeconds }) =>
    BigInt(Math.max(incrementSeconds, minimumSeconds)),
  );
  const seconds = BigInt(LONGEST_CALL_SECONDS) + overshoot;
  const dearest = seconds * most((g) => g.partsPerSecond) + most((g) => g.connectParts);
  const { multiplier, divisor, minimumParts } = factors;
  const maximumParts = factors.maximumParts ?? 0n;
  const parts = [dearest, minimumParts, maximumParts].reduce((a, b) => (a > b ? a : b));
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  if (parts * multiplier > limit || divisor * 2n > limit) return null;
  return {
    multiplier: Number(multiplier),
    divisor: Number(divisor),
    minimumParts: Number(minimumParts),
    maximumParts:
      factors.maximumParts === null ? Number.MAX_SAFE_INTEGER : Number(factors.maximumParts),
  };
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  let x = a;
  let y = b;
  while (y !== 0n) [x, y] = [y, x % y];
  return (a / x) * b;
}
