import { windowOfRow } from './price-list.ts';
import type { PlanTerms, RateRow } from './rate-plan.ts';
import { overlaps, type TimeWindow } from './time-window.ts';

/** What is wrong with the rows of one version of a plan; a version with any of it does not apply. */

export interface RateProblem {
  /** Index of the row. */
  readonly row: number;
  /** As the dataset `rates` names it. */
  readonly field: string;
  /** What came and what is expected. */
  readonly reason: string;
}

const LONGEST_SECONDS = 86_400;
const MOST_FRACTION_DIGITS = 12;
const MOST_DIGITS = 24;

/** All problems, in the order of rows; at most one for each row by itself. */
export function checkRates(terms: PlanTerms, rows: readonly RateRow[]): RateProblem[] {
  const problems: RateProblem[] = [];
  const sound: number[] = [];
  rows.forEach((row, index) => {
    const problem = problemOf(terms, row);
    if (problem === null) sound.push(index);
    else problems.push({ row: index, ...problem });
  });
  problems.push(...problemsTogether(terms, rows, sound));
  return problems.sort((a, b) => a.row - b.row);
}

function problemOf(terms: PlanTerms, row: RateRow): { field: string; reason: string } | null {
  const wrong = (field: string, got: unknown, expected: string) => ({
    field,
    reason: `got ${got}; expected ${expected}`,
  });
  if (!/^(\d{1,32}|\*)$/.test(row.prefix)) {
    return wrong('prefix', JSON.stringify(row.prefix), '1 to 32 digits, or * for every number');
  }
  for (const [field, value] of [
    ['connect_fee', row.connectFee],
    ['rate', row.rate],
  ] as const) {
    if (value.unscaled < 0n) return wrong(field, 'a negative amount', 'zero or more');
    if (value.scale > MOST_FRACTION_DIGITS || String(value.unscaled).length > MOST_DIGITS) {
      const digits = `at most ${MOST_DIGITS} digits, ${MOST_FRACTION_DIGITS} of them behind the point`;
      return wrong(field, 'more digits than any price has', digits);
    }
  }
  const whole = (field: string, value: number, least: number) =>
    Number.isSafeInteger(value) && value >= least && value <= LONGEST_SECONDS
      ? null
      : wrong(field, value, `a whole number of seconds from ${least} to ${LONGEST_SECONDS}`);
  const seconds =
    whole('rate_unit_seconds', row.rateUnitSeconds, 1) ??
    whole('increment_seconds', row.incrementSeconds, 1) ??
    whole('minimum_seconds', row.minimumSeconds, 0) ??
    whole('from_second', row.fromSecond, 0);
  if (seconds !== null) return seconds;
  if (row.window !== '' && windowOfRow(terms, row.window) === null) {
    return wrong(
      'window',
      JSON.stringify(row.window),
      `a window such as "mon-fri 08:00-20:00"${namesOf(terms)}`,
    );
  }
  return null;
}

function namesOf({ windows }: PlanTerms): string {
  const names = Object.keys(windows);
  return names.length === 0 ? '' : `, or one of ${names.join(', ')}`;
}

/** What rows of one prefix do to each other. */
function problemsTogether(
  terms: PlanTerms,
  rows: readonly RateRow[],
  sound: readonly number[],
): RateProblem[] {
  const problems: RateProblem[] = [];
  const byPlace = new Map<string, number>();
  const byPrefix = new Map<string, Map<string, number[]>>();
  for (const index of sound) {
    const { prefix, window, fromSecond } = rows[index];
    const place = JSON.stringify([prefix, window, fromSecond]);
    const before = byPlace.get(place);
    if (before !== undefined) {
      const other = `the same prefix${window === '' ? '' : ', window'} and from_second`;
      const reason = `overlaps row {row:${before}} of the same version: ${other}`;
      problems.push({ row: index, field: 'prefix', reason });
      continue;
    }
    byPlace.set(place, index);
    const windows = byPrefix.get(prefix) ?? new Map<string, number[]>();
    byPrefix.set(prefix, windows);
    windows.set(window, [...(windows.get(window) ?? []), index]);
  }
  for (const windows of byPrefix.values()) {
    for (const indexes of windows.values()) {
      if (indexes.some((index) => rows[index].fromSecond === 0)) continue;
      const reason = 'the prefix has no row for second 0 in this window';
      problems.push({ row: indexes[0], field: 'from_second', reason });
    }
    problems.push(...overlapsOf(terms, rows, windows));
  }
  return problems;
}

function overlapsOf(
  terms: PlanTerms,
  rows: readonly RateRow[],
  windows: ReadonlyMap<string, readonly number[]>,
): RateProblem[] {
  const problems: RateProblem[] = [];
  const parsed: { readonly at: number; readonly window: TimeWindow }[] = [];
  for (const [name, [at]] of windows) {
    if (name === '') continue;
    const window = windowOfRow(terms, name) as TimeWindow;
    const other = parsed.find((each) => overlaps(each.window, window));
    if (other) {
      const reason = `the window overlaps that of row {row:${other.at}}, ${JSON.stringify(rows[other.at].window)}`;
      problems.push({ row: at, field: 'window', reason });
    }
    parsed.push({ at, window });
  }
  return problems;
}
