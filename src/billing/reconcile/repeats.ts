import { ALONE } from './match-calls.ts';
import { NO_PARTY } from './parties.ts';
import { PairNumbers } from './row-groups.ts';
import type { Side } from './side.ts';

/**
 * Marks (1) the rows of a side that are alone because they say a call once more: another row of
 * the same side has the same id, or the same parties, start, billed seconds and amount. Of such
 * rows the one that the other side has is the call itself; where it has none of them, the first
 * in canonical order is, and is no repeat.
 * @param order of all rows, canonical
 * @param ids how many ids there are
 */
export function markRepeats(
  side: Side,
  order: Uint32Array,
  partners: Int32Array,
  ids: number,
): Uint8Array {
  const repeats = new Uint8Array(side.rows);
  const alone = order.filter((row) => partners[row] === ALONE);
  if (alone.length === 0) return repeats;

  const idSeen = new Uint8Array(ids);
  const contents = contentNumbers(side);
  const ofAlone = new Int32Array(alone.length);
  for (let i = 0; i < alone.length; i++) ofAlone[i] = contents.numberOf(alone[i]);
  const contentSeen = new Uint8Array(contents.size);
  for (let row = 0; row < side.rows; row++) {
    if (partners[row] === ALONE) continue;
    if (side.ids[row] >= 0) idSeen[side.ids[row]] = 1;
    const content = contents.find(row);
    if (content >= 0) contentSeen[content] = 1;
  }
  for (let i = 0; i < alone.length; i++) {
    const row = alone[i];
    const id = side.ids[row];
    const content = ofAlone[i];
    if ((id >= 0 && idSeen[id] === 1) || (content >= 0 && contentSeen[content] === 1)) {
      repeats[row] = 1;
    }
    if (id >= 0) idSeen[id] = 1;
    if (content >= 0) contentSeen[content] = 1;
  }
  return repeats;
}

/** Numbers what rows say besides their id: a chain of pairs, each numbered in turn. */
function contentNumbers(side: Side) {
  const parties = new PairNumbers();
  const times = new PairNumbers();
  const calls = new PairNumbers();
  const amounts = new Map<bigint, number>();
  const whole = new PairNumbers();
  const knows = (row: number) => side.callees[row] !== NO_PARTY;
  return {
    get size() {
      return whole.size;
    },
    numberOf(row: number): number {
      if (!knows(row)) return -1;
      const amount = amounts.get(side.amounts[row]) ?? amounts.size;
      amounts.set(side.amounts[row], amount);
      const party = parties.numberOf(side.callers[row], side.callees[row]);
      const time = times.numberOf(side.startedAtMs[row], side.billedSeconds[row]);
      return whole.numberOf(calls.numberOf(party, time), amount);
    },
    /** The number of an earlier row that says the same; -1: none does. */
    find(row: number): number {
      if (!knows(row)) return -1;
      const party = parties.find(side.callers[row], side.callees[row]);
      if (party < 0) return -1;
      const time = times.find(side.startedAtMs[row], side.billedSeconds[row]);
      if (time < 0) return -1;
      const amount = amounts.get(side.amounts[row]);
      const call = calls.find(party, time);
      return amount === undefined || call < 0 ? -1 : whole.find(call, amount);
    },
  };
}
