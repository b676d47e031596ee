import { type BytesColumn, type ChunkColumn, isNumberColumn, type NumberColumn } from '../chunk.ts';
import type { CellMaker } from './cell-columns.ts';

/**
 * Writes the cells of one column as bytes, what stands between it and the cell before included.
 * Bound to one chunk after another; nothing is made per cell.
 */
export interface CellWriter {
  /**
   * Turns to a chunk's column.
   * @returns the most bytes that a cell of it takes, an upper bound
   * @throws RangeError when the column is of another kind than the cells
   */
  bind(column: ChunkColumn): number;
  /** Writes a row's cell at `position`; returns the position after it. */
  write(out: Uint8Array, position: number, row: number): number;
}

/** A form of rows: what stands around the cells, and a writer per column. */
export interface RowForm {
  /** Begins a row. */
  begin(out: Uint8Array, position: number, rowNumber: number): number;
  readonly end: Uint8Array;
  readonly cells: readonly CellWriter[];
  /** The form by whole columns; null where it has none. */
  readonly byColumns: ColumnForm | null;
}

/** What {@link RowForm.begin} writes, and for each column what makes all its cells at once. */
export interface ColumnForm {
  readonly begin: Uint8Array;
  /** Behind the row's number, where rows bear one. */
  readonly beginTail: Uint8Array;
  /** Null: the column's writer makes them. */
  readonly makers: readonly (CellMaker | null)[];
}

/** Bytes that {@link RowForm.begin} takes at most. */
export const ROW_BEGIN_BYTES = 48;

/** What a writer holds before it is bound. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);
export const NO_OFFSETS: Uint32Array = new Uint32Array(1);
export const NO_VALUES: Float64Array = new Float64Array(0);

/** @throws RangeError when the column holds numbers */
export function bytesIn(column: ChunkColumn): BytesColumn {
  if (isNumberColumn(column)) throw new RangeError(`a ${column.type} column where bytes belong`);
  return column;
}

/** @throws RangeError when the column holds bytes */
export function numbersIn(column: ChunkColumn): NumberColumn {
  if (!isNumberColumn(column)) throw new RangeError(`a ${column.type} column where numbers belong`);
  return column;
}
