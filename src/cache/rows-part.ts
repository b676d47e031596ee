import type { Chunk, ChunkColumn } from '../reports/chunk.ts';
import type { Dataset, FieldType } from '../reports/dataset.ts';
import type { RowsPartRef } from '../reports/day-task.ts';
import { decodeColumn, encodeColumn } from './column-encoding.ts';
import { ColumnsWhenAsked } from './columns-when-asked.ts';
import {
  type Block,
  checked,
  openPartReader,
  openPartWriter,
  type PartTarget,
  partDamaged,
} from './part-file.ts';

/** Rows parts: canonical typed rows of one day, a block per column of each chunk. */

interface RowsManifest {
  readonly kind: 'rows';
  readonly version: 1;
  readonly key: string;
  readonly rows: number;
  readonly chunks: readonly {
    readonly rows: number;
    readonly columns: Readonly<Record<string, Block>>;
  }[];
}

export interface RowsPartWriter {
  add(chunk: Chunk): void;
  commit(): Promise<RowsPartRef>;
  abort(): void;
}

export function openRowsPartWriter(options: {
  target: PartTarget;
  /** The same place, relative to the home folder. */
  path: string;
  key: string;
  dataset: Dataset;
  dataAsOf: number | null;
}): RowsPartWriter {
  const writer = openPartWriter(options.target);
  const chunks: { rows: number; columns: Record<string, Block> }[] = [];
  let rows = 0;
  return {
    add(chunk) {
      const columns: Record<string, Block> = {};
      for (const field of options.dataset.fields) {
        const column = chunk.columns.get(field.name);
        if (!column) throw new RangeError(`the chunk has no column ${field.name}`);
        columns[field.name] = writer.append(encodeColumn(column, chunk.rows));
      }
      chunks.push({ rows: chunk.rows, columns });
      rows += chunk.rows;
    },
    async commit() {
      const { key, dataAsOf } = options;
      const manifest: RowsManifest = { kind: 'rows', version: 1, key, rows, chunks };
      const { bytes, sha256 } = await writer.commit(manifest);
      return { key, rows, dataAsOf, path: options.path, bytes, sha256 };
    },
    abort: () => writer.abort(),
  };
}

/**
 * The chunks of a rows part. A chunk is read whole; a column of it is checked against its hash and
 * unpacked when it is first asked for, so that a report of few columns pays for no others.
 * @throws DaybookError `E_PART_DAMAGED`, from a column too
 */
export async function* readRowsPart(
  home: string,
  ref: RowsPartRef,
  dataset: Dataset,
): AsyncGenerator<Chunk> {
  const reader = await openPartReader(home, ref.path, ref.sha256);
  try {
    for (const { rows, columns } of (JSON.parse(reader.manifest) as RowsManifest).chunks) {
      const blocks = dataset.fields.map(({ name }) => columns[name]);
      const offset = Math.min(...blocks.map((block) => block.offset));
      const end = Math.max(...blocks.map((block) => block.offset + block.bytes));
      const bytes = await reader.readUnchecked(offset, end - offset);
      const packed = new Map(
        dataset.fields.map(({ name, type }): [string, () => ChunkColumn] => {
          const block = columns[name];
          const from = block.offset - offset;
          const data = bytes.subarray(from, from + block.bytes);
          return [name, () => unpack(ref, type, checked(data, block, ref.path), rows)];
        }),
      );
      yield { rows, columns: new ColumnsWhenAsked(packed) };
    }
  } finally {
    await reader.close();
  }
}

function unpack(ref: RowsPartRef, type: FieldType, data: Buffer, rows: number): ChunkColumn {
  try {
    return decodeColumn(type, data, rows);
  } catch (error) {
    throw partDamaged(ref.path, (error as Error).message, error);
  }
}

/** Every block that a rows part's manifest names, in its order. */
export function blocksOfRows(manifest: string): Block[] {
  return (JSON.parse(manifest) as RowsManifest).chunks.flatMap(({ columns }) =>
    Object.values(columns),
  );
}
