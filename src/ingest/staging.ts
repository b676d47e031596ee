import type { DatasetName } from '../reports/dataset.ts';

/** What loading needs of a database; `store/loads.ts` is made to fit. */

export interface StageColumn {
  readonly name: string;
  /** As the encoder writes it; a decimal is staged as its text. */
  readonly type: 'bigint' | 'text' | 'timestamptz' | 'jsonb';
}

/** What is known when the last row is staged. */
export interface StagedRows {
  /** Rows that were taken, of them with the same key more than once included. */
  readonly good: number;
  readonly rejected: number;
  readonly days: number;
  /** Open rejects that this load settles. */
  readonly settledRejects: readonly string[];
}

export interface LoadPlan {
  readonly tenantId: string;
  readonly dataset: DatasetName;
  readonly fileName: string;
  /** The map as it was given; null: none. */
  readonly map: unknown;
  readonly requestedBy: string;
  /** UTC epoch ms up to which the dataset is complete with this load; null: not said. */
  readonly completeThrough: number | null;
  /** False: refused rows are counted but not kept, since they are kept already. */
  readonly keepRejects: boolean;
}

export interface StoredLoad {
  readonly loadId: string;
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Rows that a later row of the same file with the same key replaced. */
  readonly superseded: number;
  /** UTC epoch ms; where the mark stands now, which may be later than the plan's. Null: no mark. */
  readonly completeThrough: number | null;
}

/**
 * One transaction: a place for staged rows, `fill` with a writer of COPY's binary format into it,
 * then the merge. All of it or nothing.
 */
export type StoreLoad = (
  plan: LoadPlan,
  columns: readonly StageColumn[],
  fill: (write: (bytes: Buffer) => Promise<void>) => Promise<StagedRows>,
  signal: AbortSignal,
) => Promise<StoredLoad>;
