import { addDecimal, type Decimal, formatDecimal, ZERO } from '../money/decimal.ts';
import { BytesInterner } from './bytes-interner.ts';
import type { DayRows } from './day-rows.ts';
import { LONG, POWERS_OF_TEN } from './decimal-vector.ts';
import type { Measure } from './define-report.ts';
import { shortText } from './short-decimals.ts';
import type { AccumulatorValue } from './totals.ts';

/** The selected rows of a chunk and the group of each. */
export interface GroupedRows {
  readonly rows: DayRows;
  /** Rows of the chunk, ascending; the first `count` count. */
  readonly selected: Uint32Array;
  readonly ids: Int32Array;
  readonly count: number;
  /** Groups so far; every id is below it. */
  readonly groups: number;
}

/** One measure of all groups of a fold. */
export interface Accumulator {
  add(grouped: GroupedRows): void;
  valueOf(group: number): AccumulatorValue;
}

export function accumulatorOf(measure: Measure): Accumulator {
  switch (measure.of) {
    case 'count':
      return new Counter(measure);
    case 'numbers':
      return measure.merge === 'sum' ? new NumberSum(measure) : new Extreme(measure);
    case 'decimals':
      return new DecimalSums(measure);
    case 'distinct':
      return new DistinctCounter(measure);
    case 'text':
      return new EdgeText(measure);
  }
}

type Numbers = Float64Array<ArrayBuffer>;

type MeasureOf<Of extends Measure['of']> = Extract<Measure, { of: Of }>;

function withRoom(values: Numbers, groups: number, fill: number): Numbers {
  if (groups <= values.length) return values;
  const larger = new Float64Array(Math.max(groups, values.length * 2)).fill(fill);
  larger.set(values);
  return larger;
}

class Counter implements Accumulator {
  readonly #measure: MeasureOf<'count'>;
  #counts = new Float64Array(16);

  constructor(measure: MeasureOf<'count'>) {
    this.#measure = measure;
  }

  add({ rows, selected, ids, count, groups }: GroupedRows): void {
    this.#counts = withRoom(this.#counts, groups, 0);
    const counts = this.#counts;
    if (this.#measure.where === undefined) {
      for (let k = 0; k < count; k++) counts[ids[k]]++;
      return;
    }
    const met = rows.derive(this.#measure.where);
    for (let k = 0; k < count; k++) counts[ids[k]] += met[selected[k]];
  }

  valueOf(group: number): number {
    return this.#counts[group] ?? 0;
  }
}

class NumberSum implements Accumulator {
  readonly #measure: MeasureOf<'numbers'>;
  #sums = new Float64Array(16);

  constructor(measure: MeasureOf<'numbers'>) {
    this.#measure = measure;
  }

  add({ rows, selected, ids, count, groups }: GroupedRows): void {
    this.#sums = withRoom(this.#sums, groups, 0);
    const sums = this.#sums;
    const values = rows.derive(this.#measure.values);
    const met = this.#measure.where === undefined ? null : rows.derive(this.#measure.where);
    for (let k = 0; k < count; k++) {
      const row = selected[k];
      const value = values[row];
      if (!Number.isNaN(value) && (met === null || met[row] === 1)) sums[ids[k]] += value;
    }
  }

  valueOf(group: number): number {
    return this.#sums[group] ?? 0;
  }
}

class Extreme implements Accumulator {
  readonly #measure: MeasureOf<'numbers'>;
  #values = new Float64Array(16).fill(Number.NaN);

  constructor(measure: MeasureOf<'numbers'>) {
    this.#measure = measure;
  }

  add({ rows, selected, ids, count, groups }: GroupedRows): void {
    this.#values = withRoom(this.#values, groups, Number.NaN);
    const held = this.#values;
    const least = this.#measure.merge === 'min';
    const values = rows.derive(this.#measure.values);
    const met = this.#measure.where === undefined ? null : rows.derive(this.#measure.where);
    for (let k = 0; k < count; k++) {
      const row = selected[k];
      const value = values[row];
      if (Number.isNaN(value) || (met !== null && met[row] === 0)) continue;
      const before = held[ids[k]];
      // A comparison with NaN is false: the first value always enters.
      if (!(least ? before <= value : before >= value)) held[ids[k]] = value;
    }
  }

  valueOf(group: number): number | null {
    const value = this.#values[group] ?? Number.NaN;
    return Number.isNaN(value) ? null : value;
  }
}

/**
 * Exact sums. While numbers are short they are added as safe integers at one scale for all groups;
 * what does not fit goes to `#rest`.
 */
class DecimalSums implements Accumulator {
  readonly #measure: MeasureOf<'decimals'>;
  #sums = new Float64Array(16);
  #scale = 4;
  readonly #rest = new Map<number, Decimal>();

  constructor(measure: MeasureOf<'decimals'>) {
    this.#measure = measure;
  }

  add({ rows, selected, ids, count, groups }: GroupedRows): void {
    this.#sums = withRoom(this.#sums, groups, 0);
    const { unscaled, scales, long } = rows.derive(this.#measure.values);
    const met = this.#measure.where === undefined ? null : rows.derive(this.#measure.where);
    for (let k = 0; k < count; k++) {
      const row = selected[k];
      const value = unscaled[row];
      if (Number.isNaN(value) || (met !== null && met[row] === 0)) continue;
      const group = ids[k];
      if (value === LONG) {
        this.#addRest(group, long.get(row) as Decimal);
        continue;
      }
      if (scales[row] > this.#scale) this.#rescale(scales[row]);
      const scaled = value * POWERS_OF_TEN[this.#scale - scales[row]];
      const sum = this.#sums[group] + scaled;
      if (Number.isSafeInteger(scaled) && Number.isSafeInteger(sum)) this.#sums[group] = sum;
      else this.#addRest(group, { unscaled: BigInt(value), scale: scales[row] });
    }
  }

  valueOf(group: number): string {
    const sum = this.#sums[group] ?? 0;
    const rest = this.#rest.get(group);
    if (rest === undefined) return shortText(sum, this.#scale);
    return formatDecimal(addDecimal({ unscaled: BigInt(sum), scale: this.#scale }, rest), 0);
  }

  #addRest(group: number, value: Decimal): void {
    this.#rest.set(group, addDecimal(this.#rest.get(group) ?? ZERO, value));
  }

  #rescale(scale: number): void {
    const factor = POWERS_OF_TEN[scale - this.#scale];
    for (let group = 0; group < this.#sums.length; group++) {
      const sum = this.#sums[group];
      if (Number.isSafeInteger(sum * factor)) {
        this.#sums[group] = sum * factor;
      } else {
        this.#addRest(group, { unscaled: BigInt(sum), scale: this.#scale });
        this.#sums[group] = 0;
      }
    }
    this.#scale = scale;
  }
}

/** Counts each (group, value) once; rows without a value are not counted. */
class DistinctCounter implements Accumulator {
  readonly #measure: MeasureOf<'distinct'>;
  readonly #values = new BytesInterner();
  readonly #seen = new Set<number>();
  #counts = new Float64Array(16);

  constructor(measure: MeasureOf<'distinct'>) {
    this.#measure = measure;
  }

  add({ rows, selected, ids, count, groups }: GroupedRows): void {
    this.#counts = withRoom(this.#counts, groups, 0);
    const { offsets, bytes } = rows.bytes(this.#measure.field);
    const met = this.#measure.where === undefined ? null : rows.derive(this.#measure.where);
    let last = -1;
    for (let k = 0; k < count; k++) {
      const row = selected[k];
      if (offsets[row] === offsets[row + 1] || (met !== null && met[row] === 0)) continue;
      const pair = this.#values.idOf(bytes, offsets[row], offsets[row + 1]) * 2 ** 26 + ids[k];
      // Rows of one order usually stand together.
      if (pair === last || this.#seen.has(pair)) continue;
      last = pair;
      this.#seen.add(pair);
      this.#counts[ids[k]]++;
    }
  }

  valueOf(group: number): number {
    return this.#counts[group] ?? 0;
  }
}

class EdgeText implements Accumulator {
  readonly #measure: MeasureOf<'text'>;
  readonly #texts = new BytesInterner();
  /** Ids of texts by group. */
  #held = new Float64Array(16).fill(Number.NaN);

  constructor(measure: MeasureOf<'text'>) {
    this.#measure = measure;
  }

  add({ rows, selected, ids, count, groups }: GroupedRows): void {
    this.#held = withRoom(this.#held, groups, Number.NaN);
    const first = this.#measure.merge === 'first';
    const { offsets, bytes } = rows.bytes(this.#measure.field);
    const met = this.#measure.where === undefined ? null : rows.derive(this.#measure.where);
    for (let k = 0; k < count; k++) {
      const row = selected[k];
      if (offsets[row] === offsets[row + 1] || (met !== null && met[row] === 0)) continue;
      if (first && !Number.isNaN(this.#held[ids[k]])) continue;
      this.#held[ids[k]] = this.#texts.idOf(bytes, offsets[row], offsets[row + 1]);
    }
  }

  valueOf(group: number): string | null {
    const id = this.#held[group] ?? Number.NaN;
    return Number.isNaN(id) ? null : this.#texts.textOf(id);
  }
}
