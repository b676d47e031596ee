import { type Chunk, columnOf } from '../chunk.ts';
import { growBytes, writeBytes } from './bytes.ts';
import { ROW_BEGIN_BYTES, type RowForm } from './cell-writer.ts';

const FIRST_CAPACITY_BYTES = 1 << 20;
let out: Buffer = Buffer.alloc(0);

/**
 * Renders all rows of a chunk, cell after cell as their writers write them.
 * @returns bytes that hold until the next call, whoever makes it
 */
export function renderByRows(
  form: RowForm,
  keys: readonly string[],
  chunk: Chunk,
  firstRow: number | null,
): Buffer {
  const { end, cells } = form;
  let bound = ROW_BEGIN_BYTES + end.length;
  keys.forEach((key, index) => {
    bound += cells[index].bind(columnOf(chunk, key));
  });
  const firstNumber = firstRow ?? 0;
  if (out.length === 0) out = Buffer.allocUnsafeSlow(FIRST_CAPACITY_BYTES);
  let at = 0;
  for (let row = 0; row < chunk.rows; row++) {
    if (at + bound > out.length) out = growBytes(out, at, at + bound);
    at = form.begin(out, at, firstNumber + row);
    for (let c = 0; c < cells.length; c++) at = cells[c].write(out, at, row);
    at = writeBytes(out, at, end);
  }
  return out.subarray(0, at);
}
