import type { Side } from './side.ts';

/**
 * Pairs calls of ours with calls of theirs that may be the same ones (they share an id or their
 * parties), one to one:
 *
 * 1. two calls can be a pair when their starts lie at most the tolerance apart;
 * 2. of all ways to pair them in the order of their starts, those with the most pairs;
 * 3. of these, those whose starts lie the least apart in sum;
 * 4. then those whose billed seconds differ the least in sum, then with the fewest pairs whose
 *    amounts differ; then the one that leaves later calls alone rather than earlier ones.
 *
 * Pairing in order loses nothing in 2 and 3: two pairs that cross can be uncrossed, and the starts
 * then lie no further apart. Calls that are equal in everything may stand for each other, so the
 * outcome does not depend on the order in which the rows came.
 *
 * Where more than {@link MOST_CELLS} pairs are possible (thousands of calls of the same parties
 * within one tolerance), rule 3 is given up: the earliest calls that can be a pair are one. That is
 * as many pairs, and depends on no order either.
 */
export function assignInOrder(
  ours: Side,
  ourRows: Uint32Array,
  theirs: Side,
  theirRows: Uint32Array,
  toleranceMs: number,
  pair: (ourRow: number, theirRow: number) => void,
): void {
  if (ourRows.length === 1 && theirRows.length === 1) {
    const apart = ours.startedAtMs[ourRows[0]] - theirs.startedAtMs[theirRows[0]];
    if (Math.abs(apart) <= toleranceMs) pair(ourRows[0], theirRows[0]);
    return;
  }
  const band = bandOf(ours, ourRows, theirs, theirRows, toleranceMs);
  if (band.cells > MOST_CELLS) {
    pairEarliest(ours, ourRows, theirs, theirRows, toleranceMs, pair);
    return;
  }
  const choices = choose(ours, ourRows, theirs, theirRows, band);
  let column = theirRows.length;
  for (let i = ourRows.length - 1; i >= 0; i--) {
    column = Math.min(column, band.to[i]);
    const first = band.starts[i] - band.from[i];
    while (choices[first + column] === LEAVE_THEIRS) column--;
    if (choices[first + column] === PAIR) {
      column--;
      pair(ourRows[i], theirRows[column]);
    }
  }
}

const MOST_CELLS = 1 << 25;

const LEAVE_OURS = 0;
const LEAVE_THEIRS = 1;
const PAIR = 2;

/** For each of our rows, which of theirs are near enough: those from `from[i]` up to `to[i]`. */
interface Band {
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  /** Where the cells of a row stand: `to[i] - from[i] + 1` of them. */
  readonly starts: Float64Array;
  readonly cells: number;
}

function bandOf(
  ours: Side,
  ourRows: Uint32Array,
  theirs: Side,
  theirRows: Uint32Array,
  toleranceMs: number,
): Band {
  const from = new Uint32Array(ourRows.length);
  const to = new Uint32Array(ourRows.length);
  const starts = new Float64Array(ourRows.length);
  let cells = 0;
  let low = 0;
  let high = 0;
  for (let i = 0; i < ourRows.length; i++) {
    const at = ours.startedAtMs[ourRows[i]];
    while (low < theirRows.length && theirs.startedAtMs[theirRows[low]] < at - toleranceMs) low++;
    high = Math.max(high, low);
    while (high < theirRows.length && theirs.startedAtMs[theirRows[high]] <= at + toleranceMs) {
      high++;
    }
    from[i] = low;
    to[i] = high;
    starts[i] = cells;
    cells += high - low + 1;
  }
  return { from, to, starts, cells };
}

/** What is best for the first rows of both sides: more pairs, else less apart. */
interface Scores {
  readonly pairs: Float64Array;
  readonly apartMs: Float64Array;
  readonly apartSeconds: Float64Array;
  readonly otherAmounts: Float64Array;
}

function scoresOf(length: number): Scores {
  return {
    pairs: new Float64Array(length),
    apartMs: new Float64Array(length),
    apartSeconds: new Float64Array(length),
    otherAmounts: new Float64Array(length),
  };
}

/**
 * Cell (i, j) decides over the first i + 1 of ours and the first j of theirs. Only cells within the
 * band are kept: before it a row of ours changes nothing, behind it the last cell holds.
 */
function choose(
  ours: Side,
  ourRows: Uint32Array,
  theirs: Side,
  theirRows: Uint32Array,
  { from, to, starts, cells }: Band,
): Uint8Array {
  const choices = new Uint8Array(cells);
  let widest = 1;
  for (let i = 0; i < ourRows.length; i++) widest = Math.max(widest, to[i] - from[i] + 1);
  let before = scoresOf(widest);
  let now = scoresOf(widest);
  let beforeFrom = 0;
  let beforeTo = 0;
  for (let i = 0; i < ourRows.length; i++) {
    const a = ourRows[i];
    for (let j = from[i]; j <= to[i]; j++) {
      const cell = j - from[i];
      let choice = LEAVE_OURS;
      copyScore(before, Math.min(j, beforeTo) - beforeFrom, now, cell);
      if (j > from[i]) {
        const b = theirRows[j - 1];
        const earlier = Math.min(j - 1, beforeTo) - beforeFrom;
        const pairs = before.pairs[earlier] + 1;
        const apartMs =
          before.apartMs[earlier] + Math.abs(ours.startedAtMs[a] - theirs.startedAtMs[b]);
        const apartSeconds =
          before.apartSeconds[earlier] + Math.abs(ours.billedSeconds[a] - theirs.billedSeconds[b]);
        const otherAmounts =
          before.otherAmounts[earlier] + (ours.amounts[a] === theirs.amounts[b] ? 0 : 1);
        if (compareTo(now, cell, pairs, apartMs, apartSeconds, otherAmounts) < 0) {
          now.pairs[cell] = pairs;
          now.apartMs[cell] = apartMs;
          now.apartSeconds[cell] = apartSeconds;
          now.otherAmounts[cell] = otherAmounts;
          choice = PAIR;
        }
        const left = cell - 1;
        // Of equally good ones, what leaves the later call alone.
        if (compareCells(now, left, cell) <= 0) {
          copyScore(now, left, now, cell);
          choice = LEAVE_THEIRS;
        }
      }
      choices[starts[i] + cell] = choice;
    }
    [before, now] = [now, before];
    beforeFrom = from[i];
    beforeTo = to[i];
  }
  return choices;
}

function copyScore(from: Scores, at: number, to: Scores, cell: number): void {
  to.pairs[cell] = from.pairs[at];
  to.apartMs[cell] = from.apartMs[at];
  to.apartSeconds[cell] = from.apartSeconds[at];
  to.otherAmounts[cell] = from.otherAmounts[at];
}

function compareCells(scores: Scores, one: number, other: number): number {
  const { pairs, apartMs, apartSeconds, otherAmounts } = scores;
  return compareTo(scores, other, pairs[one], apartMs[one], apartSeconds[one], otherAmounts[one]);
}

/** Below 0 where these are better than the cell's, 0 where they are as good. */
function compareTo(
  scores: Scores,
  cell: number,
  pairs: number,
  apartMs: number,
  apartSeconds: number,
  otherAmounts: number,
): number {
  return (
    scores.pairs[cell] - pairs ||
    apartMs - scores.apartMs[cell] ||
    apartSeconds - scores.apartSeconds[cell] ||
    otherAmounts - scores.otherAmounts[cell]
  );
}

function pairEarliest(
  ours: Side,
  ourRows: Uint32Array,
  theirs: Side,
  theirRows: Uint32Array,
  toleranceMs: number,
  pair: (ourRow: number, theirRow: number) => void,
): void {
  for (let i = 0, j = 0; i < ourRows.length && j < theirRows.length; ) {
    const apart = ours.startedAtMs[ourRows[i]] - theirs.startedAtMs[theirRows[j]];
    if (Math.abs(apart) <= toleranceMs) pair(ourRows[i++], theirRows[j++]);
    else if (apart > 0) j++;
    else i++;
  }
}
