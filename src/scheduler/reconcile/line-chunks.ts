import type { ClassLines } from '../../billing/reconcile/classify.ts';
import { CHUNK_ROWS, type Chunk, type ChunkColumn } from '../../reports/chunk.ts';
import { CellBytes } from './cell-bytes.ts';
import { holdsNumbers, type LineColumn, type LineSource } from './line-columns.ts';

/** Lines of a reconciliation as chunks, made one at a time; every one but the last is full. */
export function* lineChunks(
  lines: ClassLines,
  columns: readonly LineColumn[],
  source: LineSource,
): Generator<Chunk> {
  for (let first = 0; first < lines.ours.length; first += CHUNK_ROWS) {
    const end = Math.min(first + CHUNK_ROWS, lines.ours.length);
    const ours = lines.ours.subarray(first, end);
    const theirs = lines.theirs.subarray(first, end);
    const made = columns.map((column): [string, ChunkColumn] => [
      column.key,
      columnOf(column, ours, theirs, source),
    ]);
    yield { rows: end - first, columns: new Map(made) };
  }
}

function columnOf(
  column: LineColumn,
  ours: Int32Array,
  theirs: Int32Array,
  source: LineSource,
): ChunkColumn {
  if (holdsNumbers(column)) {
    const values = new Float64Array(ours.length);
    for (let i = 0; i < values.length; i++) values[i] = column.cell(source, ours[i], theirs[i]);
    return { type: column.type, values };
  }
  const cells = new CellBytes(ours.length);
  for (let i = 0; i < ours.length; i++) {
    column.cell(cells, source, ours[i], theirs[i]);
    cells.endCell();
  }
  return cells.column(column.type);
}
