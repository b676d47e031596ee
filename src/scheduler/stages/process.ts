import { type Begun, beginOccurrences } from './begin.ts';
import { type SealedCounts, sealOccurrences } from './seal.ts';
import type { StageDeps } from './stage.ts';

/**
 * The stage `process`: occurrences whose data is complete get runs; what the runs made is sealed, and
 * owed to its recipients. Runs are executed elsewhere, by whoever executes runs. What ended is sealed
 * first, so that a long queue delays no file that is there.
 */
export interface ProcessSummary extends Begun, SealedCounts {}

/** One pass as of `now`, UTC epoch ms. */
export async function processStage(
  now: number,
  deps: Pick<StageDeps, 'database'>,
  signal: AbortSignal,
): Promise<ProcessSummary> {
  const sealed = await sealOccurrences(now, deps, signal);
  const begun = await beginOccurrences(now, deps, signal);
  return { ...sealed, ...begun };
}
