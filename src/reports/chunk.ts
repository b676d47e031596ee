import type { FieldType } from './dataset.ts';

/**
 * Rows in columns: the form in which rows travel from a source through filters, folds and
 * renderers. At most {@link CHUNK_ROWS} rows, so that nothing holds a whole day.
 */

/**
 * Rows per chunk at most. A workbook's sheets split at chunk boundaries. A day of any length then
 * needs the memory of a short one: what is rendered at once is some 10 MB.
 */
export const CHUNK_ROWS = 16_384;

/** `instant` (UTC epoch ms) and `integer` columns. NaN is no value. */
export interface NumberColumn {
  readonly type: 'instant' | 'integer';
  readonly values: Float64Array;
}

/**
 * `text` (UTF-8) and `decimal` (ASCII) columns: row i is `bytes[offsets[i] .. offsets[i + 1])`.
 * No bytes is no value. Texts are well-formed UTF-8 without NUL.
 */
export interface BytesColumn {
  readonly type: 'text' | 'decimal';
  /** `rows + 1` ascending positions. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

export type ChunkColumn = NumberColumn | BytesColumn;

export interface Chunk {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ChunkColumn>;
}

/** The rows of a chunk that a filter left, ascending; `null` is every row. */
export type Selection = Uint32Array | null;

/** A cell outside hot paths: text and decimals as strings, instants and integers as numbers. */
export type CellValue = string | number | null;

export function isNumberColumn(column: ChunkColumn): column is NumberColumn {
  return column.type === 'instant' || column.type === 'integer';
}

export function columnOf(chunk: Chunk, name: string): ChunkColumn {
  const column = chunk.columns.get(name);
  if (column === undefined) throw new RangeError(`the chunk has no column ${name}`);
  return column;
}

/** @throws RangeError when the chunk has no such column or it holds bytes. */
export function numbersOf(chunk: Chunk, name: string): NumberColumn {
  const column = columnOf(chunk, name);
  if (!isNumberColumn(column)) {
    throw new RangeError(`column ${name} holds ${column.type}, not numbers`);
  }
  return column;
}

/** @throws RangeError when the chunk has no such column or it holds numbers. */
export function bytesOf(chunk: Chunk, name: string): BytesColumn {
  const column = columnOf(chunk, name);
  if (isNumberColumn(column)) {
    throw new RangeError(`column ${name} holds ${column.type}, not bytes`);
  }
  return column;
}

/** One cell as a value. For small tables and tests: hot paths read the columns themselves. */
export function cellAt(column: ChunkColumn, row: number): CellValue {
  if (isNumberColumn(column)) {
    const value = column.values[row];
    return Number.isNaN(value) ? null : value;
  }
  const start = column.offsets[row];
  const end = column.offsets[row + 1];
  if (start === end) return null;
  const { buffer, byteOffset } = column.bytes;
  return Buffer.from(buffer, byteOffset + start, end - start).toString('utf8');
}

/** A chunk from rows of cells; for generated tables and tests, not for bulk. */
export function chunkFromRows(
  fields: readonly { readonly name: string; readonly type: FieldType }[],
  rows: readonly (readonly CellValue[])[],
): Chunk {
  const columns = new Map<string, ChunkColumn>();
  fields.forEach((field, index) => {
    columns.set(
      field.name,
      columnFromCells(
        field.type,
        rows.map((row) => row[index]),
      ),
    );
  });
  return { rows: rows.length, columns };
}

export function columnFromCells(type: FieldType, cells: readonly CellValue[]): ChunkColumn {
  if (type === 'instant' || type === 'integer') {
    return {
      type,
      values: Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell))),
    };
  }
  const parts = cells.map((cell) => Buffer.from(cell === null ? '' : String(cell), 'utf8'));
  const offsets = new Uint32Array(cells.length + 1);
  parts.forEach((part, index) => {
    offsets[index + 1] = offsets[index] + part.length;
  });
  return { type, offsets, bytes: Buffer.concat(parts) };
}
