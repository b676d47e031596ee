import type { DayWindow } from '../time/day-window.ts';
import type { Chunk } from './chunk.ts';
import type { DatasetName } from './dataset.ts';
import type { DayResult, DayTask } from './day-task.ts';

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
   * Reads one window in canonical order, in chunks of {@link CHUNK_ROWS}. The version is of the
   * same snapshot as the rows. Aborting the signal ends the reading with its reason.
   */
  read(request: {
    tenantId: string;
    dataset: DatasetName;
    day: DayWindow;
    signal: AbortSignal;
  }): Promise<{ version: WindowVersion; chunks: AsyncIterable<Chunk> }>;
}

/** Where day tasks go. Cluster messages now; a queue over many machines would stand here too. */
export interface Dispatcher {
  /** Resolves when the day is done; aborting the signal gives up waiting, and rejects. */
  dispatch(task: DayTask, signal: AbortSignal): Promise<DayResult>;
}
