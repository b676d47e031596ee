import { removeFile } from '../cache/home-files.ts';
import type { Logger } from '../log.ts';
import type { Database } from '../store/database.ts';
import { evictParts, heldParts, type PartFile } from '../store/part-eviction.ts';

/** Keeps the parts within their bound, the least recently used ones first. */

const BATCH_PARTS = 500;
/** Makes this share of the bound free besides, so that not every new part starts it again. */
const SLACK = 0.05;

export interface EvictDeps {
  readonly database: Database;
  readonly home: string;
  /** Bytes of rows parts and fragments that may stand on disk while nobody works. */
  readonly boundBytes: number;
  readonly log: Logger;
}

export interface Evicted {
  readonly evictedParts: number;
  readonly evictedBytes: number;
  /** What is left. Above the bound where runs under way need it. */
  readonly parts: number;
  readonly bytes: number;
}

export async function evictToBound(deps: EvictDeps, signal: AbortSignal): Promise<Evicted> {
  const held = await deps.database.asSystem(heldParts, { readOnly: true });
  const goal = Math.floor(deps.boundBytes * (1 - SLACK));
  let { parts, bytes } = held;
  while (held.bytes > deps.boundBytes && bytes > goal) {
    signal.throwIfAborted();
    const excess = bytes - goal;
    const gone = await deps.database.asSystem((tx) => evictParts(tx, excess, BATCH_PARTS));
    if (gone.length === 0) break;
    await removeParts(gone, deps);
    parts -= gone.length;
    bytes -= gone.reduce((sum, part) => sum + part.bytes, 0);
  }
  return { evictedParts: held.parts - parts, evictedBytes: held.bytes - bytes, parts, bytes };
}

/**
 * Removes files that the index does not name any more. One that cannot be removed, or that a crash
 * left, is an orphan, which the sweep takes.
 */
export async function removeParts(
  parts: readonly Pick<PartFile, 'path'>[],
  deps: Pick<EvictDeps, 'home' | 'log'>,
): Promise<void> {
  for (const { path } of parts) {
    await removeFile(deps.home, 'parts', path).catch((error: Error) => {
      deps.log.warn({ path, reason: error.message }, 'a part could not be removed');
    });
  }
}
