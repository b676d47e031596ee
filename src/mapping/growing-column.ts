import type { BytesColumn, NumberColumn } from '../reports/chunk.ts';

/** Columns of a chunk in the making, filled row by row. */

/** Of texts and decimals. */
export class GrowingBytes {
  readonly #type: 'text' | 'decimal';
  readonly #offsets: Uint32Array;
  #bytes: Buffer;
  #rows = 0;
  #length = 0;

  /** @param mostRows of one chunk */
  constructor(type: 'text' | 'decimal', mostRows: number) {
    this.#type = type;
    this.#offsets = new Uint32Array(mostRows + 1);
    this.#bytes = Buffer.allocUnsafeSlow(mostRows * 8);
  }

  /** Adds `from[start, end)`; nothing is no value. */
  add(from: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(length * 2);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    // Short texts, most of the time: a call for each would cost more.
    for (let at = start, to = this.#length; at < end; at++, to++) this.#bytes[to] = from[at];
    this.#length = length;
    this.#rows += 1;
    this.#offsets[this.#rows] = length;
  }

  /** What was added, and begins anew. */
  take(): BytesColumn {
    const column: BytesColumn = {
      type: this.#type,
      offsets: this.#offsets.slice(0, this.#rows + 1),
      bytes: new Uint8Array(this.#bytes.subarray(0, this.#length)),
    };
    this.#rows = 0;
    this.#length = 0;
    return column;
  }
}

/** Of instants and whole numbers; NaN is no value. */
export class GrowingNumbers {
  readonly #type: 'instant' | 'integer';
  readonly #values: Float64Array;
  #rows = 0;

  constructor(type: 'instant' | 'integer', mostRows: number) {
    this.#type = type;
    this.#values = new Float64Array(mostRows);
  }

  add(value: number): void {
    this.#values[this.#rows] = value;
    this.#rows += 1;
  }

  take(): NumberColumn {
    const column = { type: this.#type, values: this.#values.slice(0, this.#rows) };
    this.#rows = 0;
    return column;
  }
}
