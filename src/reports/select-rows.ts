import { type Chunk, type ChunkColumn, isNumberColumn, type Selection } from './chunk.ts';
import { type Kernel, sharedKernel } from './kernel/kernel.ts';

/** The selected rows of a chunk as a chunk of their own; the chunk itself where that is all. */
export function selectRows(chunk: Chunk, selection: Selection): Chunk {
  if (selection === null || selection.length === chunk.rows) return chunk;
  const columns = new Map<string, ChunkColumn>();
  for (const [name, column] of chunk.columns) {
    columns.set(name, selectFrom(sharedKernel(), column, chunk.rows, selection));
  }
  return { rows: selection.length, columns };
}

function selectFrom(
  kernel: Kernel,
  column: ChunkColumn,
  rows: number,
  selection: Uint32Array,
): ChunkColumn {
  const count = selection.length;
  const wanted = kernel.put(selection);
  if (isNumberColumn(column)) {
    const values = kernel.put(column.values.subarray(0, rows));
    const out = kernel.allocate(count * 8);
    kernel.run.gatherNumbers(count, wanted, values, out);
    return { type: column.type, values: kernel.numbers(out, count).slice() };
  }
  const length = column.offsets[rows];
  const offsets = kernel.put(column.offsets.subarray(0, rows + 1));
  const bytes = kernel.put(column.bytes.subarray(0, length));
  const outOffsets = kernel.allocate((count + 1) * 4);
  const out = kernel.allocate(length);
  const used = kernel.run.gatherBytes(count, wanted, offsets, bytes, outOffsets, out);
  return {
    type: column.type,
    offsets: kernel.offsets(outOffsets, count + 1).slice(),
    bytes: new Uint8Array(kernel.bytes(out, used)),
  };
}
