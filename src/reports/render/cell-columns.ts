import { type ChunkColumn, isNumberColumn } from '../chunk.ts';
import { CANNOT, type Kernel } from '../kernel/kernel.ts';
import { type CellWriter, ROW_BEGIN_BYTES, type RowForm } from './cell-writer.ts';
import { FRACTION_BYTES, type SecondFractions } from './excel-number.ts';
import { instantLimitMs, type RenderZone, stretchesOver } from './wall-clock.ts';

/**
 * Cells of a whole column at once, in the kernel's memory. A {@link CellMaker} does what the
 * {@link CellWriter} of the same column does, byte for byte, for the values that nearly all
 * columns consist of; it answers null for the others, and the writer does them, cell by cell.
 */

/** Addresses in the kernel: `rows + 1` offsets, and the bytes; no bytes is no value. */
export interface CellColumn {
  readonly offsets: number;
  readonly bytes: number;
  /** How many bytes there are. */
  readonly length: number;
}

/** What stands around each cell. The row's number stands in front of the middle, if there is one. */
export interface CellFrame {
  readonly before: Uint8Array;
  readonly middle: Uint8Array;
  readonly behind: Uint8Array;
  /** What an empty cell is. */
  readonly empty: Uint8Array;
}

export interface FramedCells extends CellColumn {
  readonly frame: CellFrame;
}

export type CellMaker = (kernel: Kernel, column: ChunkColumn, rows: number) => FramedCells | null;

/** What the kernel's `specialCells` is told of a byte: where in a text it makes it special. */
export const SPECIAL_FIRST = 1;
export const SPECIAL_ANYWHERE = 2;
/** In front of an `x`. */
export const SPECIAL_BEFORE_X = 4;
export const SPECIAL_LAST = 8;

const NOTHING = new Uint8Array(0);
const NO_FRAME: CellFrame = { before: NOTHING, middle: NOTHING, behind: NOTHING, empty: NOTHING };

/** Digits of a whole number and its sign. */
const INTEGER_BYTES = 20;
const WALL_TIME_BYTES = 19;
const SERIAL_BYTES = 20 + FRACTION_BYTES;

/** Makes cells of text that are copied as they are, but for some that a writer makes. */
export function textMaker(of: {
  readonly frame: CellFrame;
  /** Bits for each byte value, as the kernel's `specialCells` takes them. */
  readonly kinds: Uint8Array;
  /** Bytes; a longer cell is special. */
  readonly longest: number;
  /** Writes a special cell without its frame. */
  readonly special: CellWriter;
  /** What stands around the other cells, inside the frame. */
  readonly wrap: { readonly before: Uint8Array; readonly behind: Uint8Array };
}): CellMaker {
  const { frame, wrap } = of;
  const inner = frame.middle.length > 0 ? 'middle' : 'before';
  const plainFrame: CellFrame = {
    ...frame,
    [inner]: Buffer.concat([frame[inner], wrap.before]),
    behind: Buffer.concat([wrap.behind, frame.behind]),
  };
  const table = withSets(of.kinds);
  return (kernel, column, rows) => {
    if (isNumberColumn(column)) return null;
    const { run } = kernel;
    const length = column.offsets[rows];
    const offsets = kernel.put(column.offsets.subarray(0, rows + 1));
    const bytes = kernel.put(column.bytes.subarray(0, length));
    const kinds = kernel.put(table);
    const found = kernel.allocate(rows * 4);
    const count = run.specialCells(rows, offsets, bytes, kinds, of.longest, found);
    if (count === 0) return { offsets, bytes, length, frame: plainFrame };

    const special = kernel.offsets(found, count).slice();
    const cells = writeCells(kernel, of.special, column, special.length, (i) => special[i]);
    const before = kernel.put(wrap.before);
    const behind = kernel.put(wrap.behind);
    const outOffsets = kernel.allocate((rows + 1) * 4);
    const around = wrap.before.length + wrap.behind.length;
    const out = kernel.allocate(length + cells.length + rows * around);
    const used = run.replaceCells(
      ...([rows, offsets, bytes, count, found, cells.offsets, cells.bytes] as const),
      ...([before, wrap.before.length, behind, wrap.behind.length, outOffsets, out] as const),
    );
    return { offsets: outOffsets, bytes: out, length: used, frame };
  };
}

/** The kinds, and behind them what is special in the middle of a text, as two sets by half bytes. */
function withSets(kinds: Uint8Array): Uint8Array {
  const table = new Uint8Array(256 + 32);
  table.set(kinds);
  for (let byte = 0; byte < 256; byte++) {
    if ((kinds[byte] & (SPECIAL_ANYWHERE | SPECIAL_BEFORE_X)) === 0) continue;
    table[256 + (byte < 128 ? 0 : 16) + (byte & 15)] |= 1 << ((byte >> 4) & 7);
  }
  return table;
}

/** Whole numbers below `limit`. */
export function integerMaker(frame: CellFrame, limit: number): CellMaker {
  return (kernel, column, rows) =>
    numberCells(kernel, column, rows, INTEGER_BYTES, frame, (values, offsets, out) =>
      kernel.run.integerCells(rows, values, limit, offsets, out),
    );
}

/** Wall times as text. */
export function wallTimeMaker(frame: CellFrame, zone: RenderZone, dayFirst: boolean): CellMaker {
  return (kernel, column, rows) =>
    numberCells(kernel, column, rows, WALL_TIME_BYTES, frame, (values, offsets, out) => {
      const stretches = putStretches(kernel, zone, values, rows);
      if (stretches === null) return CANNOT;
      const { address, count } = stretches;
      return kernel.run.wallTimeCells(
        ...([rows, values, address, count, instantLimitMs, dayFirst ? 1 : 0] as const),
        offsets,
        out,
      );
    });
}

/** Wall times as serial numbers of days between `first` and `last`. */
export function serialMaker(
  frame: CellFrame,
  zone: RenderZone,
  serials: { readonly epoch: number; readonly first: number; readonly last: number },
  fractions: () => SecondFractions,
): CellMaker {
  return (kernel, column, rows) =>
    numberCells(kernel, column, rows, SERIAL_BYTES, frame, (values, offsets, out) => {
      const stretches = putStretches(kernel, zone, values, rows);
      if (stretches === null) return CANNOT;
      const { bytes, lengths } = fractions();
      return kernel.run.serialCells(
        ...([rows, values, stretches.address, stretches.count, instantLimitMs] as const),
        ...([serials.epoch, serials.first, serials.last] as const),
        ...([kernel.put(bytes), FRACTION_BYTES, kernel.put(lengths), offsets, out] as const),
      );
    });
}

/** Every cell of a column by its writer, all that it writes around it included. */
export function writtenCells(
  kernel: Kernel,
  form: RowForm,
  index: number,
  column: ChunkColumn,
  rows: number,
  firstRow: number,
): FramedCells {
  const begun = new Uint8Array(ROW_BEGIN_BYTES);
  const cells = writeCells(kernel, form.cells[index], column, rows, (row) => {
    form.begin(begun, 0, firstRow + row);
    return row;
  });
  return { ...cells, frame: NO_FRAME };
}

function numberCells(
  kernel: Kernel,
  column: ChunkColumn,
  rows: number,
  bytesPerCell: number,
  frame: CellFrame,
  make: (values: number, offsets: number, out: number) => number,
): FramedCells | null {
  if (!isNumberColumn(column)) return null;
  const values = kernel.put(column.values.subarray(0, rows));
  const offsets = kernel.allocate((rows + 1) * 4);
  const bytes = kernel.allocate(rows * bytesPerCell);
  const length = make(values, offsets, bytes) >>> 0;
  return length === CANNOT ? null : { offsets, bytes, length, frame };
}

/** The offsets of a zone over all instants of a column; null where they lie too far apart. */
function putStretches(
  kernel: Kernel,
  zone: RenderZone,
  values: number,
  rows: number,
): { address: number; count: number } | null {
  const range = kernel.allocate(16);
  kernel.run.rangeOf(rows, values, instantLimitMs, range);
  const [least, largest] = kernel.numbers(range, 2);
  const stretches = stretchesOver(zone, least, largest);
  if (stretches === null) return null;
  const flat = stretches.flatMap(({ start, end, offsetMs }) => [start, end, offsetMs]);
  return { address: kernel.put(Float64Array.from(flat)), count: stretches.length };
}

function writeCells(
  kernel: Kernel,
  writer: CellWriter,
  column: ChunkColumn,
  count: number,
  rowOf: (index: number) => number,
): CellColumn {
  const longest = writer.bind(column);
  const offsets = new Uint32Array(count + 1);
  let bytes: Uint8Array = Buffer.allocUnsafe(Math.max(longest, 1 << 16));
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + longest > bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(at + longest, bytes.length * 2));
      larger.set(bytes.subarray(0, at));
      bytes = larger;
    }
    at = writer.write(bytes, at, rowOf(i));
    offsets[i + 1] = at;
  }
  return { offsets: kernel.put(offsets), bytes: kernel.put(bytes.subarray(0, at)), length: at };
}
