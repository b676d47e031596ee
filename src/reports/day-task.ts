import type { DayWindow } from '../time/day-window.ts';
import type { DatasetName } from './dataset.ts';
import type { FragmentSpec, StoredPiece } from './fragment.ts';
import type { Filter, Grain, ParamValue, ReportName } from './request.ts';
import type { DayTotals, FoldSpec } from './totals.ts';

/** Classes of work, most urgent first. */
export type WorkClass = 'interactive' | 'scheduled' | 'precache';

/** One day of one report: what a thread works on, exactly one at a time. */
export interface DayTask {
  readonly taskId: string;
  /** The run that asked first; null for a summary over HTTP. */
  readonly runId: string | null;
  readonly tenantId: string;
  readonly workClass: WorkClass;
  /** Rows that the day is thought to have; much longer days come first within a run. */
  readonly expectedRows: number;
  readonly day: DayWindow;
  readonly dataset: DatasetName;
  readonly report: ReportName;
  readonly grain: Grain;
  readonly where: readonly Filter[];
  readonly params: Readonly<Record<string, ParamValue>>;
  /** The day is settled and the request allows parts: what is made is kept. */
  readonly cacheable: boolean;
  /** A rows part that is known to be valid; null: look for one, else extract. */
  readonly rowsPart: RowsPartRef | null;
  /** Folder for what is not kept, relative to the home folder; it goes with its run. */
  readonly scratchDir: string;
  readonly folds: readonly FoldSpec[];
  /** Of each fold, whether its totals over `rowsPart` are known, so that it need not be made. */
  readonly known: readonly boolean[];
  /** Null: only rows and totals are wanted. */
  readonly fragment: FragmentSpec | null;
}

/** Canonical typed rows of one (tenant, dataset, day), on disk. */
export interface RowsPartRef {
  /** Hex; contains the data versions of its window, so content under a key never changes. */
  readonly key: string;
  /** Relative to the home folder. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of the file, hex. */
  readonly sha256: string;
  /** Newest change among the data versions read with the rows, UTC epoch ms. */
  readonly dataAsOf: number | null;
}

/** What a document says of a day's rows; it stands beside the totals and outlives the rows part. */
export type RowsFacts = Pick<RowsPartRef, 'key' | 'rows' | 'sha256' | 'dataAsOf'>;

/** A rendered form of a day, on disk. */
export interface FragmentRef {
  readonly key: string;
  /** Relative to the home folder; empty for what needs no file, a day without rows. */
  readonly path: string;
  readonly bytes: number;
  readonly pieces: readonly StoredPiece[];
}

export interface DayResult {
  readonly taskId: string;
  readonly rowsPart: RowsPartRef;
  /** The rows were read from the source, not from a part. */
  readonly extracted: boolean;
  /** In the order of the task's folds; null where they were known and are of the same rows. */
  readonly totals: readonly (DayTotals | null)[];
  /** Rows that each piece of a fragment has or would have: after the filter, empty ones left out. */
  readonly pieceRows: readonly number[];
  /** Null when no fragment was wanted. */
  readonly fragment: FragmentRef | null;
  /** Wall time in the thread. */
  readonly elapsedMs: number;
}
