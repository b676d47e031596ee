import {
  type FoundFile,
  filesBelow,
  isFile,
  type Root,
  removeEmptyFolders,
  removeFile,
} from '../cache/home-files.ts';
import type { Logger } from '../log.ts';
import type { Database, Tx } from '../store/database.ts';
import { knownFilePaths } from '../store/files.ts';
import { type IndexedPart, knownPartPaths, listParts } from '../store/part-listing.ts';
import { forgetParts } from '../store/parts.ts';
import { oldestRunningSince } from '../store/runs.ts';

/** Brings disk and database together again after crashes, restores and deleted tenants. */

const BATCH = 1_000;
/** What is younger may still be on its way into the database: 1 h. */
export const ORPHAN_MS = 3_600_000;

export interface Swept {
  /** Files of which no row knows. */
  readonly orphanParts: number;
  readonly orphanFiles: number;
  /** Rows of the index whose file was gone. */
  readonly lostParts: number;
  readonly emptyFolders: number;
}

export interface SweepDeps {
  readonly database: Database;
  readonly home: string;
  readonly log: Logger;
}

/** @param now UTC epoch ms */
export async function sweepDisk(now: number, deps: SweepDeps, signal: AbortSignal): Promise<Swept> {
  const before = await orphansAreBefore(now, deps.database);
  const lostParts = await forgetLostParts(deps, signal);
  const orphanParts = await removeOrphans('parts', before, knownPartPaths, deps, signal);
  const orphanFiles = await removeOrphans('files', before, knownFilePaths, deps, signal);
  const emptyFolders =
    (await removeEmptyFolders(deps.home, 'parts', before)) +
    (await removeEmptyFolders(deps.home, 'files', before));
  return { orphanParts, orphanFiles, lostParts, emptyFolders };
}

/**
 * A file without a row that is older than this is nobody's: those who make files enter them within
 * the hour, or belong to a run that is under way and began before.
 */
export async function orphansAreBefore(now: number, database: Database): Promise<number> {
  const oldest = await database.asSystem(oldestRunningSince, { readOnly: true });
  return Math.min(now - ORPHAN_MS, oldest ?? Number.POSITIVE_INFINITY);
}

async function removeOrphans(
  root: Root,
  before: number,
  knownPaths: (tx: Tx, places: readonly FoundFile[]) => Promise<Set<string>>,
  deps: SweepDeps,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const orphan of orphansBelow(root, before, knownPaths, deps)) {
    signal.throwIfAborted();
    try {
      if (await removeFile(deps.home, root, orphan.path)) removed += 1;
    } catch (error) {
      const reason = (error as Error).message;
      deps.log.warn({ path: orphan.path, reason }, 'an orphan could not be removed');
    }
  }
  return removed;
}

/** Looks at the disk first and at the rows then, so that a row is there for all that may have one. */
export async function* orphansBelow(
  root: Root,
  before: number,
  knownPaths: (tx: Tx, places: readonly FoundFile[]) => Promise<Set<string>>,
  deps: Pick<SweepDeps, 'database' | 'home'>,
): AsyncGenerator<FoundFile> {
  async function* unknown(batch: readonly FoundFile[]): AsyncGenerator<FoundFile> {
    const known = await deps.database.asSystem((tx) => knownPaths(tx, batch), { readOnly: true });
    for (const file of batch) if (!known.has(file.path)) yield file;
  }
  let batch: FoundFile[] = [];
  for await (const file of filesBelow(deps.home, root)) {
    if (file.modifiedAt >= before) continue;
    batch.push(file);
    if (batch.length < BATCH) continue;
    yield* unknown(batch);
    batch = [];
  }
  if (batch.length > 0) yield* unknown(batch);
}

/** A part is recorded when its file is in place, so a row without a file has lost it. */
async function forgetLostParts(deps: SweepDeps, signal: AbortSignal): Promise<number> {
  let forgotten = 0;
  for await (const page of partPages(deps.database)) {
    signal.throwIfAborted();
    for (const { tenantId, path } of page) {
      if (await isFile(deps.home, path)) continue;
      forgotten += await deps.database.asSystem((tx) => forgetParts(tx, tenantId, [path]));
    }
  }
  return forgotten;
}

/** The whole index, a page at a time. */
export async function* partPages(
  database: Database,
  tenantId?: string,
): AsyncGenerator<readonly IndexedPart[]> {
  let after: IndexedPart | null = null;
  do {
    const from: IndexedPart | null = after;
    const page: IndexedPart[] = await database.asSystem(
      (tx) => listParts(tx, { tenantId, after: from, limit: BATCH }),
      { readOnly: true },
    );
    yield page;
    after = page.length === BATCH ? page[BATCH - 1] : null;
  } while (after);
}
