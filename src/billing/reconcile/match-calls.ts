import { assignInOrder } from './assign-in-order.ts';
import { compareRows } from './canonical-order.ts';
import { NO_PARTY } from './parties.ts';
import { eachSharedGroup, NO_GROUP, PairNumbers } from './row-groups.ts';
import type { Side } from './side.ts';
import type { TextTable } from './text-table.ts';

/** No row of the other side. */
export const ALONE = -1;

/** How two rows were found to be the same call. */
export const BY_ID = 1;
export const BY_PARTIES = 2;
/** One of the two does not say who called. */
export const BY_CALLEE = 3;

/** Which rows are the same calls, one to one. */
export interface Matching {
  /** Of each of our rows the row of theirs, or {@link ALONE}. */
  readonly ofOurs: Int32Array;
  readonly ofTheirs: Int32Array;
  /** Of each of our rows how it was found; 0 where it is alone. */
  readonly by: Uint8Array;
}

/**
 * Finds the calls that both sides have: first by id, whatever else the rows say; of the rest by
 * caller and callee within the tolerance; of the rest, where one of the two does not say who
 * called, by callee within the tolerance. Within each of these `assignInOrder` pairs them, so the
 * outcome depends on what the rows are and not on the order in which they came.
 * @param toleranceMs how far apart the starts of one call may lie, where its id does not tell
 */
export function matchCalls(
  ours: Side,
  theirs: Side,
  ids: TextTable,
  toleranceMs: number,
): Matching {
  const ofOurs = new Int32Array(ours.rows).fill(ALONE);
  const ofTheirs = new Int32Array(theirs.rows).fill(ALONE);
  const by = new Uint8Array(ours.rows);
  const compareOurs = compareRows(ours, ids);
  const compareTheirs = compareRows(theirs, ids);

  const pairWithin = (
    ourGroups: Int32Array,
    theirGroups: Int32Array,
    groups: number,
    within: number,
    how: number,
  ) =>
    eachSharedGroup(ourGroups, theirGroups, groups, (ourRows, theirRows) => {
      if (ourRows.length > 1) ourRows.sort(compareOurs);
      if (theirRows.length > 1) theirRows.sort(compareTheirs);
      assignInOrder(ours, ourRows, theirs, theirRows, within, (a, b) => {
        ofOurs[a] = b;
        ofTheirs[b] = a;
        by[a] = how;
      });
    });

  pairWithin(ours.ids, theirs.ids, ids.size, Number.POSITIVE_INFINITY, BY_ID);

  const pairs = new PairNumbers();
  const byParties = (side: Side, partners: Int32Array) =>
    groupsOf(side, partners, (row) =>
      side.callers[row] === NO_PARTY
        ? NO_GROUP
        : pairs.numberOf(side.callers[row], side.callees[row]),
    );
  pairWithin(
    byParties(ours, ofOurs),
    byParties(theirs, ofTheirs),
    pairs.size,
    toleranceMs,
    BY_PARTIES,
  );

  // Theirs without a caller with any of ours; then ours without one with those that have one.
  for (const side of ['theirs', 'ours'] as const) {
    const callees = new PairNumbers();
    const byCallee = (each: Side, partners: Int32Array, anonymous: boolean | null) =>
      groupsOf(each, partners, (row) =>
        anonymous !== null && (each.callers[row] === NO_PARTY) !== anonymous
          ? NO_GROUP
          : callees.numberOf(each.callees[row], NO_PARTY),
      );
    const ourGroups = byCallee(ours, ofOurs, side === 'theirs' ? null : true);
    const theirGroups = byCallee(theirs, ofTheirs, side === 'theirs');
    pairWithin(ourGroups, theirGroups, callees.size, toleranceMs, BY_CALLEE);
  }
  return { ofOurs, ofTheirs, by };
}

/** Groups of the rows that are alone and say whom they reached. */
function groupsOf(side: Side, partners: Int32Array, group: (row: number) => number): Int32Array {
  const groups = new Int32Array(side.rows).fill(NO_GROUP);
  for (let row = 0; row < groups.length; row++) {
    if (partners[row] === ALONE && side.callees[row] !== NO_PARTY) groups[row] = group(row);
  }
  return groups;
}
