import { DaybookError } from '../errors.ts';
import {
  bytesOf,
  CHUNK_ROWS,
  type Chunk,
  type ChunkColumn,
  columnOf,
  isNumberColumn,
  numbersOf,
} from '../reports/chunk.ts';
import type { Dataset } from '../reports/dataset.ts';

/** Rows of a day that are sorted in memory at most. */
const MOST_ROWS = 2_000_000;

/**
 * Rows of a window in canonical order, where the database could not sort them: by anchor, then by the
 * tie-break. Holds the whole window.
 * @throws DaybookError `E_TOO_LARGE`
 */
export async function* sortWindow(
  dataset: Dataset,
  chunks: AsyncIterable<Chunk>,
): AsyncGenerator<Chunk> {
  const held: Chunk[] = [];
  let rows = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    rows += chunk.rows;
    if (rows > MOST_ROWS) {
      throw new DaybookError('E_TOO_LARGE', {
        where: 'a day whose order the map makes',
        got: `more than ${MOST_ROWS} rows`,
        expected: 'so many; let the map take the key from a column as it is',
      });
    }
  }
  const places = placesOf(held, rows);
  const compare = comparison(dataset, held, places);
  const order = Uint32Array.from({ length: rows }, (_, index) => index).sort(compare);
  for (let at = 0; at < rows; at += CHUNK_ROWS) {
    yield gather(held, places, order.subarray(at, at + CHUNK_ROWS));
  }
}

interface Places {
  /** Of each row: the chunk that holds it, and where. */
  readonly chunk: Uint32Array;
  readonly row: Uint32Array;
}

function placesOf(held: readonly Chunk[], rows: number): Places {
  const places = { chunk: new Uint32Array(rows), row: new Uint32Array(rows) };
  let at = 0;
  held.forEach((chunk, index) => {
    for (let row = 0; row < chunk.rows; row++, at++) {
      places.chunk[at] = index;
      places.row[at] = row;
    }
  });
  return places;
}

function comparison({ anchor, tieBreak }: Dataset, held: readonly Chunk[], places: Places) {
  const anchors = held.map((chunk) => numbersOf(chunk, anchor).values);
  const ties = tieBreak.map((name) => held.map((chunk) => columnOf(chunk, name)));
  return (a: number, b: number): number => {
    const [chunkA, chunkB] = [places.chunk[a], places.chunk[b]];
    const [rowA, rowB] = [places.row[a], places.row[b]];
    const byAnchor = anchors[chunkA][rowA] - anchors[chunkB][rowB];
    if (byAnchor !== 0) return byAnchor;
    for (const columns of ties) {
      const byTie = compareCells(columns[chunkA], rowA, columns[chunkB], rowB);
      if (byTie !== 0) return byTie;
    }
    return a - b;
  };
}

/** Bytes of UTF-8 have the order of code points. */
function compareCells(a: ChunkColumn, rowA: number, b: ChunkColumn, rowB: number): number {
  if (isNumberColumn(a) && isNumberColumn(b)) return a.values[rowA] - b.values[rowB];
  if (isNumberColumn(a) || isNumberColumn(b)) throw new RangeError('one column of two types');
  return Buffer.compare(
    a.bytes.subarray(a.offsets[rowA], a.offsets[rowA + 1]),
    b.bytes.subarray(b.offsets[rowB], b.offsets[rowB + 1]),
  );
}

function gather(held: readonly Chunk[], places: Places, order: Uint32Array): Chunk {
  const columns = new Map<string, ChunkColumn>();
  for (const [name, { type }] of held[0].columns) {
    if (type === 'instant' || type === 'integer') {
      const from = held.map((chunk) => numbersOf(chunk, name).values);
      const values = Float64Array.from(order, (at) => from[places.chunk[at]][places.row[at]]);
      columns.set(name, { type, values });
      continue;
    }
    const from = held.map((chunk) => bytesOf(chunk, name));
    const offsets = new Uint32Array(order.length + 1);
    const parts = Array.from(order, (at, index) => {
      const { offsets: ends, bytes } = from[places.chunk[at]];
      const part = bytes.subarray(ends[places.row[at]], ends[places.row[at] + 1]);
      offsets[index + 1] = offsets[index] + part.length;
      return part;
    });
    columns.set(name, { type, offsets, bytes: new Uint8Array(Buffer.concat(parts)) });
  }
  return { rows: order.length, columns };
}
