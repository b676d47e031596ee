import { canonicalOrder } from './canonical-order.ts';
import { ALONE, type Matching } from './match-calls.ts';
import { markRepeats } from './repeats.ts';
import type { Side } from './side.ts';
import type { TextTable } from './text-table.ts';

/**
 * What a row of a reconciliation says, one sheet each. Its money is what it explains of the
 * difference: their amount less ours, where a side that is not there counts nothing.
 *
 * - `matched`: both have the call, and agree on seconds and amount.
 * - `duration`: both have it; the billed seconds differ. All of the amounts' difference is put here.
 * - `rounding`: the seconds agree, the amounts differ by at most the tolerance.
 * - `rate`: the seconds agree, the amounts differ by more.
 * - `duplicate`: a side has a call once more: see `markRepeats`.
 * - `only_ours`, `only_theirs`: the other side does not have it.
 */
export const LINE_CLASSES = [
  'matched',
  'only_ours',
  'only_theirs',
  'duration',
  'rate',
  'rounding',
  'duplicate',
] as const;
export type LineClass = (typeof LINE_CLASSES)[number];

/** Rows of one class in canonical order: our row and theirs, {@link ALONE} where there is none. */
export interface ClassLines {
  readonly ours: Int32Array;
  readonly theirs: Int32Array;
  /** Money at the common scale; `explains` is theirs less ours. */
  readonly ourTotal: bigint;
  readonly theirTotal: bigint;
  readonly explains: bigint;
}

/** Both sides at one scale. */
export interface Matched {
  readonly ours: Side;
  readonly theirs: Side;
  readonly ids: TextTable;
  readonly matching: Matching;
  /** Money at the common scale. */
  readonly roundingTolerance: bigint;
}

/** Puts each pair and each row that is alone into exactly one class. */
export function classify(matched: Matched): Readonly<Record<LineClass, ClassLines>> {
  const { ours, theirs, ids, matching } = matched;
  const ourOrder = canonicalOrder(ours, ids);
  const theirOrder = canonicalOrder(theirs, ids);
  const ourRepeats = markRepeats(ours, ourOrder, matching.ofOurs, ids.size);
  const theirRepeats = markRepeats(theirs, theirOrder, matching.ofTheirs, ids.size);

  const ourClasses = new Uint8Array(ours.rows);
  const counts = new Uint32Array(LINE_CLASSES.length);
  for (let row = 0; row < ours.rows; row++) {
    const partner = matching.ofOurs[row];
    ourClasses[row] =
      partner !== ALONE
        ? classOfPair(matched, row, partner)
        : ourRepeats[row] === 1
          ? DUPLICATE
          : ONLY_OURS;
    counts[ourClasses[row]]++;
  }
  for (let row = 0; row < theirs.rows; row++) {
    if (matching.ofTheirs[row] === ALONE)
      counts[theirRepeats[row] === 1 ? DUPLICATE : ONLY_THEIRS]++;
  }
  const gathered = LINE_CLASSES.map((_, index) => new Gathered(counts[index]));
  for (const row of ourOrder) {
    const partner = matching.ofOurs[row];
    const their = partner === ALONE ? 0n : theirs.amounts[partner];
    gathered[ourClasses[row]].add(row, partner, ours.amounts[row], their);
  }
  for (const row of theirOrder) {
    if (matching.ofTheirs[row] !== ALONE) continue;
    const into = gathered[theirRepeats[row] === 1 ? DUPLICATE : ONLY_THEIRS];
    into.add(ALONE, row, 0n, theirs.amounts[row]);
  }
  return Object.fromEntries(
    LINE_CLASSES.map((name, index) => [name, gathered[index].lines()]),
  ) as Record<LineClass, ClassLines>;
}

const MATCHED = LINE_CLASSES.indexOf('matched');
const ONLY_OURS = LINE_CLASSES.indexOf('only_ours');
const ONLY_THEIRS = LINE_CLASSES.indexOf('only_theirs');
const DURATION = LINE_CLASSES.indexOf('duration');
const RATE = LINE_CLASSES.indexOf('rate');
const ROUNDING = LINE_CLASSES.indexOf('rounding');
const DUPLICATE = LINE_CLASSES.indexOf('duplicate');

function classOfPair({ ours, theirs, roundingTolerance }: Matched, a: number, b: number): number {
  if (ours.billedSeconds[a] !== theirs.billedSeconds[b]) return DURATION;
  const difference = theirs.amounts[b] - ours.amounts[a];
  if (difference === 0n) return MATCHED;
  const size = difference < 0n ? -difference : difference;
  return size <= roundingTolerance ? ROUNDING : RATE;
}

class Gathered {
  readonly #ours: Int32Array;
  readonly #theirs: Int32Array;
  #count = 0;
  #ourTotal = 0n;
  #theirTotal = 0n;

  constructor(rows: number) {
    this.#ours = new Int32Array(rows);
    this.#theirs = new Int32Array(rows);
  }

  add(ourRow: number, theirRow: number, ourAmount: bigint, theirAmount: bigint): void {
    this.#ours[this.#count] = ourRow;
    this.#theirs[this.#count] = theirRow;
    this.#count++;
    this.#ourTotal += ourAmount;
    this.#theirTotal += theirAmount;
  }

  lines(): ClassLines {
    const [ourTotal, theirTotal] = [this.#ourTotal, this.#theirTotal];
    const explains = theirTotal - ourTotal;
    return { ours: this.#ours, theirs: this.#theirs, ourTotal, theirTotal, explains };
  }
}
