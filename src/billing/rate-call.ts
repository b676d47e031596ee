import {
  LONGEST_CALL_SECONDS,
  type PriceEntry,
  type PriceGroup,
  type PriceList,
} from './price-list.ts';
import { roundQuotient, roundSafeQuotient } from './round-amount.ts';

/**
 * What a call costs.
 *
 * Time runs in steps. A step begins at an elapsed second, under the group that holds then: in the
 * window that holds at that instant, the last group that has begun. It lasts the group's increment;
 * one that begins at the very second at which the group does lasts the group's minimum, if it has
 * one. A step that has begun is billed whole, also where the call, the group or the window ends
 * within it, and the next one begins behind it. The fee to connect is that of the first group. The
 * sum is exact; then the plan's bounds apply, and it is rounded once.
 *
 * Free seconds come first: steps and groups begin behind them. A call that they cover, or that
 * lasted 0 seconds, costs nothing, not even the fee.
 */

/** Consecutive steps under one group. */
export interface RatedLine {
  /** Elapsed second of the call at which it begins. */
  readonly fromSecond: number;
  readonly seconds: number;
  readonly group: PriceGroup;
}

export interface RatedCall {
  readonly entry: PriceEntry;
  /** Ascending; empty where nothing is billed. */
  readonly lines: readonly RatedLine[];
  readonly billedSeconds: number;
  /** The amount in steps of 10^-roundingScale; a whole number, exact. */
  readonly steps: number | bigint;
}

export type NotRated = 'no_rate' | 'no_window' | 'too_long';

/**
 * @param number of the party that the plan's prefixes are of
 * @param answeredAt UTC epoch ms; where elapsed seconds begin
 * @param seconds whole, ≥ 0
 */
export function rateCall(
  list: PriceList,
  number: string,
  answeredAt: number,
  seconds: number,
): RatedCall | NotRated {
  const index = list.prefixes.longest(number);
  if (index < 0) return 'no_rate';
  if (seconds > LONGEST_CALL_SECONDS) return 'too_long';
  const entry = list.entries[index];
  const { freeSeconds } = list.terms;
  const lines = linesOf(entry, { answeredAt, freeSeconds }, freeSeconds, seconds);
  if (lines === null) return 'no_window';
  let billedSeconds = 0;
  for (let i = 0; i < lines.length; i++) billedSeconds += lines[i].seconds;
  const steps = lines.length === 0 ? 0 : stepsOf(list, entry, lines);
  return { entry, lines, billedSeconds, steps };
}

/**
 * The lines of a stretch of a call, in elapsed seconds `[from, to)`; the last one may end later. A
 * call that is split where a step ends has, part by part, the lines of the whole.
 * @returns null where at some step no group holds
 */
export function linesOf(
  entry: PriceEntry,
  call: { readonly answeredAt: number; readonly freeSeconds: number },
  from: number,
  to: number,
): RatedLine[] | null {
  const { clock, groups } = entry;
  const { answeredAt, freeSeconds } = call;
  const lines: { fromSecond: number; seconds: number; group: PriceGroup }[] = [];
  let line: { fromSecond: number; seconds: number; group: PriceGroup } | null = null;
  for (let at = from; at < to; ) {
    let until = to;
    let window = -1;
    if (clock !== null) {
      window = clock.at(answeredAt + at * 1000);
      // The first second that begins when another window may hold.
      until = Math.min(until, Math.ceil((clock.until - answeredAt) / 1000));
    }
    const its = groups[window < 0 ? groups.length - 1 : window];
    if (its === null) return null;
    let index = its.length - 1;
    while (its[index].fromSecond > at - freeSeconds) index--;
    if (index + 1 < its.length) until = Math.min(until, its[index + 1].fromSecond + freeSeconds);
    const group = its[index];
    const { incrementSeconds, minimumSeconds } = group;
    const isFirst = at === group.fromSecond + freeSeconds;
    let end = isFirst ? at + minimumSeconds : at;
    if (end < until) end += Math.ceil((until - end) / incrementSeconds) * incrementSeconds;
    if (line !== null && line.group === group) line.seconds += end - at;
    else {
      line = { fromSecond: at, seconds: end - at, group };
      lines.push(line);
    }
    at = end;
  }
  return lines;
}

/** The exact sum of lines and fee, as `numerator` ÷ `denominator` steps; not bounded, not rounded. */
export function exactSteps(
  entry: PriceEntry,
  lines: readonly RatedLine[],
): { readonly numerator: bigint; readonly denominator: bigint } {
  return { numerator: partsOf(lines) * entry.multiplier, denominator: entry.divisor };
}

function stepsOf(
  { terms: { rounding } }: PriceList,
  entry: PriceEntry,
  lines: readonly RatedLine[],
): number | bigint {
  const { safe } = entry;
  if (safe === null) {
    const { multiplier, divisor, minimumParts, maximumParts } = entry;
    let parts = partsOf(lines);
    if (parts < minimumParts) parts = minimumParts;
    if (maximumParts !== null && parts > maximumParts) parts = maximumParts;
    return roundQuotient(parts * multiplier, divisor, rounding);
  }
  let parts = lines[0].group.safeConnectParts;
  for (let i = 0; i < lines.length; i++) {
    parts += lines[i].seconds * lines[i].group.safePartsPerSecond;
  }
  if (parts < safe.minimumParts) parts = safe.minimumParts;
  if (parts > safe.maximumParts) parts = safe.maximumParts;
  return roundSafeQuotient(parts * safe.multiplier, safe.divisor, rounding);
}

function partsOf(lines: readonly RatedLine[]): bigint {
  let parts = lines[0].group.connectParts;
  for (const { seconds, group } of lines) parts += BigInt(seconds) * group.partsPerSecond;
  return parts;
}
