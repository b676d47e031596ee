/** No group: the row takes no part. */
export const NO_GROUP = -1;

/**
 * Visits each group that has rows on both sides.
 * @param ourGroups the group of each of our rows, 0 to `groups` - 1, or {@link NO_GROUP}
 * @param visit gets the rows of both sides, in the order of their numbers; it may sort them
 */
export function eachSharedGroup(
  ourGroups: Int32Array,
  theirGroups: Int32Array,
  groups: number,
  visit: (ourRows: Uint32Array, theirRows: Uint32Array) => void,
): void {
  const ours = gather(ourGroups, groups);
  const theirs = gather(theirGroups, groups);
  for (let group = 0; group < groups; group++) {
    const [ourStart, ourEnd] = [ours.starts[group], ours.starts[group + 1]];
    const [theirStart, theirEnd] = [theirs.starts[group], theirs.starts[group + 1]];
    if (ourStart === ourEnd || theirStart === theirEnd) continue;
    visit(ours.rows.subarray(ourStart, ourEnd), theirs.rows.subarray(theirStart, theirEnd));
  }
}

/** A counting sort of rows by group. */
function gather(groupOf: Int32Array, groups: number) {
  const starts = new Uint32Array(groups + 1);
  for (let row = 0; row < groupOf.length; row++) {
    if (groupOf[row] !== NO_GROUP) starts[groupOf[row] + 1]++;
  }
  for (let group = 0; group < groups; group++) starts[group + 1] += starts[group];
  const next = starts.slice(0, groups);
  const rows = new Uint32Array(starts[groups]);
  for (let row = 0; row < groupOf.length; row++) {
    if (groupOf[row] !== NO_GROUP) rows[next[groupOf[row]]++] = row;
  }
  return { starts, rows };
}

/** Numbers different pairs of numbers from 0 on. */
export class PairNumbers {
  #first = new Float64Array(1 << 8);
  #second = new Float64Array(1 << 8);
  /** Open addressing; 0 is free, else a pair's number + 1. */
  #slots = new Int32Array(1 << 9);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number that the pair has; -1: none yet. */
  find(first: number, second: number): number {
    return this.#slots[this.#slotOf(first, second)] - 1;
  }

  numberOf(first: number, second: number): number {
    const slot = this.#slotOf(first, second);
    if (this.#slots[slot] !== 0) return this.#slots[slot] - 1;
    const added = this.#size++;
    if (added === this.#first.length) this.#grow();
    this.#first[added] = first;
    this.#second[added] = second;
    this.#slots[slot] = added + 1;
    if (this.#size * 2 > this.#slots.length) this.#spread();
    return added;
  }

  /** The slot that holds the pair, or the free one where it is to be. */
  #slotOf(first: number, second: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(first, second) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = this.#slots[slot] - 1;
      if (this.#first[at] === first && this.#second[at] === second) break;
    }
    return slot;
  }

  #grow(): void {
    const length = this.#first.length * 2;
    const [first, second] = [new Float64Array(length), new Float64Array(length)];
    first.set(this.#first);
    second.set(this.#second);
    this.#first = first;
    this.#second = second;
  }

  #spread(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#size; at++) {
      this.#slots[this.#slotOf(this.#first[at], this.#second[at])] = at + 1;
    }
  }
}

const TWO_32 = 4_294_967_296;

function hashOf(first: number, second: number): number {
  let hash = 0x9e3779b9;
  for (const value of [first, second]) {
    hash = Math.imul(hash ^ (value | 0), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ Math.trunc(value / TWO_32), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}
