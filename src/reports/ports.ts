import type { Chunk } from './chunk.ts';
import type { Dataset, DatasetName } from './dataset.ts';
import type { DayResult, DayTask, FragmentRef, RowsPartRef } from './day-task.ts';
import type { Piece } from './fragment.ts';

/** What producing a report needs from outside; adapters stand in `sources/`, `pool/`, `cache/`. */

/** Data versions of a window as one source saw them. */
export interface WindowVersion {
  /** Changes whenever a row of the window changed. */
  readonly fingerprint: string;
  /** Newest change, UTC epoch ms; null where nothing was ever written. */
  readonly changedAt: number | null;
  /** Rows that the touched hours hold: exact where the window falls on whole hours. */
  readonly rows: number;
}

/** Rows of one dataset, read by windows. Every source passes the same contract suite. */
export interface RowSource {
  /** Versions of several windows at once; in the order of the windows. */
  versions(request: {
    tenantId: string;
    dataset: DatasetName;
    windows: readonly { start: number; end: number }[];
    signal: AbortSignal;
  }): Promise<WindowVersion[]>;

  /**
   * Reads one window in canonical order, in chunks of at most {@link CHUNK_ROWS} rows, and hands
   * them to `consume` while the reading is open. The version is of the same snapshot as the rows.
   * Aborting the signal ends the reading with its reason.
   */
  read<T>(
    request: {
      tenantId: string;
      dataset: DatasetName;
      window: { readonly start: number; readonly end: number };
      signal: AbortSignal;
    },
    consume: (rows: { version: WindowVersion; chunks: AsyncIterable<Chunk> }) => Promise<T>,
  ): Promise<T>;
}

/** Where day tasks go. Cluster messages now; a queue over many machines would stand here too. */
export interface Dispatcher {
  /** Resolves when the day is done; aborting the signal gives up waiting, and rejects. */
  dispatch(task: DayTask, signal: AbortSignal): Promise<DayResult>;
}

/** Where parts are written and read. Paths in refs are relative to the home folder. */
export interface PartStore {
  openRowsWriter(of: {
    place: PartPlace;
    dataset: Dataset;
    /** Newest change among the versions read with the rows. */
    dataAsOf: number | null;
  }): { add(chunk: Chunk): void; commit(): Promise<RowsPartRef>; abort(): void };

  /**
   * Columns are unpacked when they are first asked for.
   * @throws DaybookError `E_PART_DAMAGED`, also from a column: it is not as it was written
   */
  readRows(ref: RowsPartRef, dataset: Dataset): AsyncIterable<Chunk>;

  openFragmentWriter(of: { place: PartPlace }): {
    add(piece: Piece, data: Uint8Array): void;
    commit(): Promise<FragmentRef>;
    abort(): void;
  };
}

/** Where a part goes: kept in the tenant's cache, or in a folder that goes with its run. */
export interface PartPlace {
  readonly tenantId: string;
  readonly key: string;
  /** Null: kept. Else a folder relative to the home folder. */
  readonly scratchDir: string | null;
}
