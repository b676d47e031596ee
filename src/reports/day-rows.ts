import type { DayWindow } from '../time/day-window.ts';
import { type OffsetStretch, offsetStretches } from '../time/zone.ts';
import { type BytesColumn, bytesOf, type Chunk, numbersOf } from './chunk.ts';
import { type DecimalVector, parseDecimals } from './decimal-vector.ts';
import { sharedKernel } from './kernel/kernel.ts';
import type { ParamValue } from './request.ts';

export type Params = Readonly<Record<string, ParamValue>>;

/**
 * A chunk of a day's rows, and what is worked out of it for all rows at once. What several
 * measures or columns need is worked out once per chunk.
 */
export class DayRows {
  readonly chunk: Chunk;
  readonly day: DayWindow;
  readonly params: Params;
  readonly #derived = new Map<unknown, unknown>();

  constructor(chunk: Chunk, day: DayWindow, params: Params) {
    this.chunk = chunk;
    this.day = day;
    this.params = params;
  }

  get rows(): number {
    return this.chunk.rows;
  }

  /** An instant or integer field; NaN is no value. */
  numbers(field: string): Float64Array {
    return numbersOf(this.chunk, field).values;
  }

  bytes(field: string): BytesColumn {
    return bytesOf(this.chunk, field);
  }

  decimals(field: string): DecimalVector {
    return this.#once(`decimals ${field}`, () => parseDecimals(this.bytes(field)));
  }

  /** What `make` gives for these rows; asked again, the same. */
  derive<T>(make: (rows: DayRows) => T): T {
    return this.#once(make, () => make(this));
  }

  /** The offsets of the day's zone over the day, ascending; never empty. */
  stretches(): readonly OffsetStretch[] {
    return this.#once('stretches', () =>
      offsetStretches(this.day.zone, this.day.start, this.day.end),
    );
  }

  #once<T>(key: unknown, make: () => T): T {
    const known = this.#derived.get(key);
    if (known !== undefined) return known as T;
    const made = make();
    this.#derived.set(key, made);
    return made;
  }
}

const held = new WeakMap<Chunk, DayRows>();

/**
 * A chunk as rows of a day. Folds and the projection of one chunk share it, so that none works out
 * again what another did; so a chunk must not change after it was made. Without `params` it serves
 * what does not depend on them.
 */
export function dayRowsOf(chunk: Chunk, day: DayWindow, params?: Params): DayRows {
  const rows = held.get(chunk);
  if (rows !== undefined && rows.day === day && sameParams(rows.params, params)) return rows;
  const made = new DayRows(chunk, day, params ?? {});
  held.set(chunk, made);
  return made;
}

function sameParams(a: Params, b: Params | undefined): boolean {
  if (a === b || b === undefined) return true;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.is(a[name], b[name]))
  );
}

/** Numbers worked out of rows; NaN is no value. */
export type RowNumbers = (rows: DayRows) => Float64Array;

export type RowDecimals = (rows: DayRows) => DecimalVector;

/** 1 for each row that meets it, 0 for the others. */
export type Condition = (rows: DayRows) => Uint8Array;

/** The text field has one of these values. */
export function textIs(field: string, ...values: readonly string[]): Condition {
  const wanted = values.map((value) => Buffer.from(value, 'utf8'));
  return (rows) => {
    const kernel = sharedKernel();
    const column = rows.bytes(field);
    const offsets = kernel.put(column.offsets);
    const bytes = kernel.put(column.bytes);
    const met = kernel.allocate(rows.rows);
    kernel.bytes(met, rows.rows).fill(0);
    for (const value of wanted) {
      kernel.run.equalCells(rows.rows, offsets, bytes, kernel.put(value), value.length, met);
    }
    return new Uint8Array(kernel.bytes(met, rows.rows));
  };
}

/** The instant or integer field has a value. */
export function hasNumber(field: string): Condition {
  return (rows) => {
    const values = rows.numbers(field);
    const met = new Uint8Array(rows.rows);
    for (let row = 0; row < met.length; row++) if (!Number.isNaN(values[row])) met[row] = 1;
    return met;
  };
}

/** Whether `value` stands at `start`; the caller has compared the lengths. */
export function bytesAt(bytes: Uint8Array, start: number, value: Uint8Array): boolean {
  for (let i = 0; i < value.length; i++) {
    if (bytes[start + i] !== value[i]) return false;
  }
  return true;
}

/** All of the conditions are met. */
export function all(...conditions: readonly Condition[]): Condition {
  return (rows) => {
    const met = new Uint8Array(rows.rows).fill(1);
    for (const condition of conditions) {
      const mask = rows.derive(condition);
      for (let row = 0; row < met.length; row++) met[row] &= mask[row];
    }
    return met;
  };
}

export function not(condition: Condition): Condition {
  return (rows) => {
    const met = rows.derive(condition);
    const unmet = new Uint8Array(met.length);
    for (let row = 0; row < met.length; row++) unmet[row] = 1 - met[row];
    return unmet;
  };
}

/** An instant or integer field as it stands. */
export function field(name: string): RowNumbers {
  return (rows) => rows.numbers(name);
}

export function decimalField(name: string): RowDecimals {
  return (rows) => rows.decimals(name);
}

/** Whole seconds from one instant to another, a fraction cut off; no value where either has none. */
export function secondsBetween(from: string, to: string): RowNumbers {
  return (rows) => {
    const starts = rows.numbers(from);
    const ends = rows.numbers(to);
    const seconds = new Float64Array(rows.rows);
    for (let row = 0; row < seconds.length; row++) {
      seconds[row] = Math.trunc((ends[row] - starts[row]) / 1000) + 0;
    }
    return seconds;
  };
}
