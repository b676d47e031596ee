import type { Load, StageColumn, Staged, StoredLoad } from '../store/loads.ts';

/**
 * What loading needs of a database; `store/loads.ts` fits. One transaction: a place for staged
 * rows, `fill` with a writer of COPY's binary format into it, then the merge. All of it or nothing.
 */
export type StoreLoad = (
  load: Load,
  columns: readonly StageColumn[],
  fill: (write: (bytes: Buffer) => Promise<void>) => Promise<Staged>,
  signal: AbortSignal,
) => Promise<StoredLoad>;
