import { BytesInterner } from './bytes-interner.ts';
import type { DayRows } from './day-rows.ts';
import type { Dimension } from './define-report.ts';

export type KeyValue = string | number | null;

/** Gives each group of a fold a small number: rows are grouped without making a key for each. */
export class GroupKeys {
  readonly #dimensions: readonly DimensionIds[];
  /** For each group the ids of its dimensions' values, in order. */
  readonly #parts: number[][] = [];
  /** One map per dimension after the first: (id so far, id of this one) to the id of both. */
  readonly #pairs: readonly Map<number, number>[];
  readonly #date: string;

  constructor(dimensions: readonly Dimension[], date: string) {
    this.#date = date;
    this.#dimensions = dimensions.map(idsOfDimension);
    this.#pairs = dimensions.slice(1).map(() => new Map());
  }

  /** How many groups were seen; their ids run from 0 up to here. */
  get size(): number {
    if (this.#dimensions.length === 0) return 1;
    return this.#dimensions.length === 1 ? this.#dimensions[0].size : this.#parts.length;
  }

  /** Writes the group of each selected row into `ids`, in the order of the selection. */
  read(rows: DayRows, selected: Uint32Array, count: number, ids: Int32Array): void {
    if (this.#dimensions.length === 0) {
      ids.fill(0, 0, count);
      return;
    }
    this.#dimensions[0].read(rows, selected, count, ids);
    if (this.#dimensions.length === 1) return;
    const columns = [ids.slice(0, count)];
    for (const dimension of this.#dimensions.slice(1)) {
      const more = new Int32Array(count);
      dimension.read(rows, selected, count, more);
      columns.push(more);
    }
    this.#join(columns, count, ids);
  }

  keyOf(group: number): KeyValue[] {
    if (this.#dimensions.length <= 1) {
      return this.#dimensions.map((dimension) => dimension.valueOf(group, this.#date));
    }
    return this.#dimensions.map((dimension, index) =>
      dimension.valueOf(this.#parts[group][index], this.#date),
    );
  }

  #join(columns: readonly Int32Array[], count: number, ids: Int32Array): void {
    const last = columns.length - 1;
    for (let k = 0; k < count; k++) {
      let id = columns[0][k];
      for (let d = 1; d <= last; d++) {
        const pair = id * PAIR_STEP + columns[d][k];
        const pairs = this.#pairs[d - 1];
        let joined = pairs.get(pair);
        if (joined === undefined) {
          joined = pairs.size;
          pairs.set(pair, joined);
          if (d === last) this.#parts.push(columns.map((column) => column[k]));
        }
        id = joined;
      }
      ids[k] = id;
    }
  }
}

/** Ids stay below it: a day has far fewer groups than 2^26. */
const PAIR_STEP = 2 ** 26;

interface DimensionIds {
  readonly size: number;
  read(rows: DayRows, selected: Uint32Array, count: number, ids: Int32Array): void;
  valueOf(id: number, date: string): KeyValue;
}

function idsOfDimension(dimension: Dimension): DimensionIds {
  if (dimension.of === 'day') return new DayIds();
  if ('field' in dimension.of) return new TextIds(dimension.of.field);
  return new NumberIds(dimension.of.numbers);
}

class DayIds implements DimensionIds {
  readonly size = 1;
  read(_rows: DayRows, _selected: Uint32Array, count: number, ids: Int32Array): void {
    ids.fill(0, 0, count);
  }
  valueOf(_id: number, date: string): KeyValue {
    return date;
  }
}

class TextIds implements DimensionIds {
  readonly #texts = new BytesInterner();
  readonly #field: string;

  constructor(field: string) {
    this.#field = field;
  }

  get size(): number {
    return this.#texts.size;
  }

  read(rows: DayRows, selected: Uint32Array, count: number, ids: Int32Array): void {
    const { offsets, bytes } = rows.bytes(this.#field);
    for (let k = 0; k < count; k++) {
      const row = selected[k];
      ids[k] = this.#texts.idOf(bytes, offsets[row], offsets[row + 1]);
    }
  }

  valueOf(id: number): KeyValue {
    return this.#texts.textOf(id);
  }
}

class NumberIds implements DimensionIds {
  readonly #ids = new Map<number, number>();
  readonly #values: number[] = [];
  readonly #numbers: (rows: DayRows) => Float64Array;

  constructor(numbers: (rows: DayRows) => Float64Array) {
    this.#numbers = numbers;
  }

  get size(): number {
    return this.#values.length;
  }

  read(rows: DayRows, selected: Uint32Array, count: number, ids: Int32Array): void {
    const values = rows.derive(this.#numbers);
    let last = Number.NEGATIVE_INFINITY;
    let lastId = -1;
    for (let k = 0; k < count; k++) {
      const value = values[selected[k]];
      if (value !== last) {
        lastId = this.#idOf(value);
        last = value;
      }
      ids[k] = lastId;
    }
  }

  valueOf(id: number): KeyValue {
    const value = this.#values[id];
    return Number.isNaN(value) ? null : value;
  }

  #idOf(value: number): number {
    const held = this.#ids.get(value);
    if (held !== undefined) return held;
    const id = this.#values.push(value) - 1;
    this.#ids.set(value, id);
    return id;
  }
}

/** Numbers by size, texts by code points, no value last. */
export function compareKeys(a: readonly KeyValue[], b: readonly KeyValue[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: KeyValue, b: KeyValue): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return compareCodePoints(String(a), String(b));
}

/** As UTF-8 bytes sort; `<` on strings differs above U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return codePointWeight(left) - codePointWeight(right);
  }
  return a.length - b.length;
}

/** Surrogates, which stand for code points above all others, after the rest of the plane. */
function codePointWeight(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
