import { type Chunk, columnOf } from '../chunk.ts';
import { type Kernel, sharedKernel } from '../kernel/kernel.ts';
import { type FramedCells, writtenCells } from './cell-columns.ts';
import { type ColumnForm, ROW_BEGIN_BYTES, type RowForm } from './cell-writer.ts';

const DIGITS_BYTES = 20;

/**
 * Renders all rows of a chunk: the cells of each column at once, then rows of them.
 * @returns bytes that hold until the next call, whoever makes it
 */
export function renderByColumns(
  form: RowForm,
  byColumns: ColumnForm,
  keys: readonly string[],
  chunk: Chunk,
  firstRow: number | null,
): Buffer {
  const kernel = sharedKernel();
  const { rows } = chunk;
  const columns = keys.map((key, index) => {
    const column = columnOf(chunk, key);
    return (
      byColumns.makers[index]?.(kernel, column, rows) ??
      writtenCells(kernel, form, index, column, rows, firstRow ?? 0)
    );
  });
  if (firstRow === null && byColumns.begin.length === 0 && columns.every(isLean)) {
    return renderLean(kernel, columns, rows, form.end);
  }
  const frames = kernel.put(
    Uint32Array.from(
      columns.flatMap(({ offsets, bytes, frame }) => [
        offsets,
        bytes,
        ...[frame.before, frame.middle, frame.behind, frame.empty].flatMap((mark) => [
          kernel.put(mark),
          mark.length,
        ]),
      ]),
    ),
  );
  const begin = kernel.put(byColumns.begin);
  const beginTail = kernel.put(byColumns.beginTail);
  const end = kernel.put(form.end);
  const digits = kernel.allocate(DIGITS_BYTES);
  const out = kernel.allocate(mostBytes(columns, rows, form.end.length));
  const length = kernel.run.interleave(
    ...([rows, columns.length, frames, begin, byColumns.begin.length] as const),
    ...([beginTail, byColumns.beginTail.length, end, form.end.length] as const),
    ...([firstRow ?? 0, digits, out] as const),
  );
  return kernel.bytes(out, length >>> 0);
}

/** Whether nothing but at most one byte stands before each cell, be it empty or not. */
function isLean({ frame }: FramedCells): boolean {
  return (
    frame.before.length <= 1 &&
    frame.middle.length === 0 &&
    frame.behind.length === 0 &&
    frame.empty.length === frame.before.length &&
    frame.empty[0] === frame.before[0] &&
    frame.before[0] !== 0
  );
}

function renderLean(
  kernel: Kernel,
  columns: readonly FramedCells[],
  rows: number,
  rowEnd: Uint8Array,
): Buffer {
  const frames = kernel.put(
    Uint32Array.from(
      columns.flatMap(({ offsets, bytes, frame }) => [offsets, bytes, frame.before[0] ?? 0]),
    ),
  );
  const end = kernel.put(rowEnd);
  const out = kernel.allocate(mostBytes(columns, rows, rowEnd.length));
  const { length: count } = columns;
  const length = kernel.run.interleaveLean(rows, count, frames, end, rowEnd.length, out);
  return kernel.bytes(out, length >>> 0);
}

function mostBytes(columns: readonly FramedCells[], rows: number, endBytes: number): number {
  return columns.reduce(
    (sum, { length, frame }) => {
      const around = frame.before.length + DIGITS_BYTES + frame.middle.length + frame.behind.length;
      return sum + length + rows * Math.max(around, frame.empty.length);
    },
    rows * (ROW_BEGIN_BYTES + endBytes),
  );
}
