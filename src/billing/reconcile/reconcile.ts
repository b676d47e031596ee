import { DaybookError } from '../../errors.ts';
import { type Decimal, formatDecimal } from '../../money/decimal.ts';
import { type ClassLines, classify, LINE_CLASSES, type LineClass } from './classify.ts';
import { type Matching, matchCalls } from './match-calls.ts';
import { atScale, type Side } from './side.ts';
import type { TextTable } from './text-table.ts';

/** How far two rows of one call may lie apart. */
export interface Tolerances {
  /** Of starts, where the id does not tell; 0 or more. */
  readonly seconds: number;
  /** Of amounts, for `rounding`; null: see {@link coarserUnit}. */
  readonly amount: Decimal | null;
}

/** What a reconciliation found. Both sides, and all money, stand at one scale. */
export interface Reconciled {
  readonly ours: Side;
  readonly theirs: Side;
  readonly ids: TextTable;
  readonly matching: Matching;
  readonly scale: number;
  readonly tolerances: { readonly seconds: number; readonly amount: Decimal };
  readonly ourTotal: bigint;
  readonly theirTotal: bigint;
  readonly classes: Readonly<Record<LineClass, ClassLines>>;
}

/**
 * Compares our charges with a carrier's rows, in one currency. Which calls are the same,
 * `matchCalls` says; what each row then explains, `LINE_CLASSES`. The outcome does not depend on
 * the order of either side's rows.
 * @throws DaybookError `E_INPUT` when amounts are too long; `E_TOTALS_MISMATCH` when what the rows
 *   explain is not the difference of the totals, which would be a fault of this file
 */
export function reconcile(
  sides: { readonly ours: Side; readonly theirs: Side; readonly ids: TextTable },
  tolerances: Tolerances,
): Reconciled {
  const amount = tolerances.amount ?? coarserUnit(sides.ours.scale, sides.theirs.scale);
  const scale = Math.max(sides.ours.scale, sides.theirs.scale, amount.scale);
  const ours = atScale(sides.ours, scale);
  const theirs = atScale(sides.theirs, scale);
  const { ids } = sides;
  const matching = matchCalls(ours, theirs, ids, tolerances.seconds * 1000);
  const roundingTolerance = amount.unscaled * 10n ** BigInt(scale - amount.scale);
  const classes = classify({ ours, theirs, ids, matching, roundingTolerance });
  const reconciled: Reconciled = {
    ours,
    theirs,
    ids,
    matching,
    scale,
    tolerances: { seconds: tolerances.seconds, amount },
    ourTotal: sumOf(ours.amounts),
    theirTotal: sumOf(theirs.amounts),
    classes,
  };
  prove(reconciled);
  return reconciled;
}

/**
 * How much rounding alone can make of one amount: a unit of the last digit of whichever side has
 * fewer digits after the point, but never more than a hundredth.
 */
export function coarserUnit(ourScale: number, theirScale: number): Decimal {
  return { unscaled: 1n, scale: Math.max(2, Math.min(ourScale, theirScale)) };
}

function sumOf(amounts: BigInt64Array): bigint {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
}

/** Every row stands in one class, and the classes add up to the difference of the totals. */
function prove({ ours, theirs, classes, ourTotal, theirTotal, scale }: Reconciled): void {
  const lines = LINE_CLASSES.map((name) => classes[name]);
  const explained = lines.reduce((sum, { explains }) => sum + explains, 0n);
  const present = (rows: Int32Array) => rows.reduce((sum, row) => sum + (row >= 0 ? 1 : 0), 0);
  const ourRows = lines.reduce((sum, each) => sum + present(each.ours), 0);
  const theirRows = lines.reduce((sum, each) => sum + present(each.theirs), 0);
  const got = `${formatDecimal({ unscaled: explained, scale })} of ${ourRows} and ${theirRows} rows`;
  const expected = `${formatDecimal({ unscaled: theirTotal - ourTotal, scale })} of ${ours.rows} and ${theirs.rows} rows`;
  if (got === expected) return;
  throw new DaybookError('E_TOTALS_MISMATCH', { where: 'reconciliation', got, expected });
}
