import {
  type BytesColumn,
  CHUNK_ROWS,
  type Chunk,
  type ChunkColumn,
  type NumberColumn,
} from './chunk.ts';
import type { FieldType } from './dataset.ts';

/** Fills one column of a chunk, row after row. Reused from chunk to chunk. */
export interface ColumnBuilder {
  readonly name: string;
  /** Appends a number to a number column; NaN is no value. */
  addNumber(value: number): void;
  /** Appends `source[start .. end)` to a bytes column; no bytes is no value. */
  addBytes(source: Uint8Array, start: number, end: number): void;
  /** What was filled so far, as a column of its own; the builder starts again, empty. */
  take(): ChunkColumn;
}

/** Texts up to this length are copied byte by byte: a native copy costs more than it saves. */
const SHORT_TEXT_BYTES = 40;

class NumberBuilder implements ColumnBuilder {
  readonly name: string;
  private readonly type: 'instant' | 'integer';
  private values = new Float64Array(CHUNK_ROWS);
  private rows = 0;

  constructor(name: string, type: 'instant' | 'integer') {
    this.name = name;
    this.type = type;
  }

  addNumber(value: number): void {
    this.values[this.rows++] = value;
  }

  addBytes(): void {
    throw new TypeError(`column ${this.name} holds ${this.type}, not bytes`);
  }

  take(): NumberColumn {
    const column = { type: this.type, values: this.values.slice(0, this.rows) };
    this.rows = 0;
    return column;
  }
}

class BytesBuilder implements ColumnBuilder {
  readonly name: string;
  private readonly type: 'text' | 'decimal';
  private offsets = new Uint32Array(CHUNK_ROWS + 1);
  private bytes = new Uint8Array(CHUNK_ROWS * 8);
  private rows = 0;
  private length = 0;

  constructor(name: string, type: 'text' | 'decimal') {
    this.name = name;
    this.type = type;
  }

  addNumber(): void {
    throw new TypeError(`column ${this.name} holds ${this.type}, not numbers`);
  }

  addBytes(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    let at = this.length;
    if (at + size > this.bytes.length) this.grow(size);
    const target = this.bytes;
    if (size <= SHORT_TEXT_BYTES) {
      for (let i = start; i < end; i++) target[at++] = source[i];
    } else {
      target.set(source.subarray(start, end), at);
      at += size;
    }
    this.length = at;
    this.offsets[++this.rows] = at;
  }

  take(): BytesColumn {
    const column = {
      type: this.type,
      offsets: this.offsets.slice(0, this.rows + 1),
      bytes: this.bytes.slice(0, this.length),
    };
    this.rows = 0;
    this.length = 0;
    return column;
  }

  private grow(size: number): void {
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    bigger.set(this.bytes.subarray(0, this.length));
    this.bytes = bigger;
  }
}

export function columnBuilder(name: string, type: FieldType): ColumnBuilder {
  return type === 'text' || type === 'decimal'
    ? new BytesBuilder(name, type)
    : new NumberBuilder(name, type);
}

export function takeChunk(builders: readonly ColumnBuilder[], rows: number): Chunk {
  return { rows, columns: new Map(builders.map((builder) => [builder.name, builder.take()])) };
}
