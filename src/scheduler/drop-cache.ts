import { countParts, dropParts, dropTotals, type PartFilter } from '../store/part-drop.ts';
import { type EvictDeps, removeParts } from './clean-parts.ts';

/** Removes parts because a person says so, whatever their bound. */

const BATCH_PARTS = 500;

export interface Dropped {
  readonly parts: number;
  readonly bytes: number;
  /** Runs under way need them: they stay. */
  readonly inUse: number;
}

/** Totals go with the parts of their days, and all of them where all parts go. */
export async function dropCache(
  filter: PartFilter,
  deps: Omit<EvictDeps, 'boundBytes'>,
  signal: AbortSignal,
): Promise<Dropped> {
  let parts = 0;
  let bytes = 0;
  for (;;) {
    signal.throwIfAborted();
    const gone = await deps.database.asSystem((tx) => dropParts(tx, filter, BATCH_PARTS));
    if (gone.length === 0) break;
    await removeParts(gone, deps);
    parts += gone.length;
    bytes += gone.reduce((sum, part) => sum + part.bytes, 0);
  }
  const { tenantId, dataset, from, to } = filter;
  const inUse = await deps.database.asSystem(async (tx) => {
    if (dataset === null && from === null && to === null) await dropTotals(tx, tenantId);
    return countParts(tx, filter);
  });
  return { parts, bytes, inUse };
}
