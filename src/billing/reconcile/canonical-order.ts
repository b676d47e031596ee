import type { Side } from './side.ts';
import type { TextTable } from './text-table.ts';

/**
 * The order of a side's rows by everything that says what they are: start, parties, seconds,
 * amount, id. Rows that are equal in all of these are the same to every rule, so what follows from
 * this order does not depend on the order in which rows came. The row number comes last; it only
 * decides which of equal rows is shown as which.
 */
export function compareRows(side: Side, ids: TextTable): (a: number, b: number) => number {
  const { startedAtMs, callers, callees, billedSeconds, amounts, rowNumbers } = side;
  return (a, b) =>
    startedAtMs[a] - startedAtMs[b] ||
    callers[a] - callers[b] ||
    callees[a] - callees[b] ||
    billedSeconds[a] - billedSeconds[b] ||
    compareAmounts(amounts[a], amounts[b]) ||
    compareIds(side.ids[a], side.ids[b], ids) ||
    rowNumbers[a] - rowNumbers[b];
}

/** All rows of a side in canonical order. */
export function canonicalOrder(side: Side, ids: TextTable): Uint32Array {
  const order = new Uint32Array(side.rows);
  for (let row = 0; row < order.length; row++) order[row] = row;
  return order.sort(compareRows(side, ids));
}

function compareAmounts(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareIds(a: number, b: number, ids: TextTable): number {
  if (a === b) return 0;
  if (a < 0 || b < 0) return a < 0 ? -1 : 1;
  return ids.compare(a, b);
}
