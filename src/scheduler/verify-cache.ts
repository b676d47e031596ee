import { removeFile } from '../cache/home-files.ts';
import { verifyPart } from '../cache/verify-part.ts';
import { DaybookError, toDaybookError, toFileError } from '../errors.ts';
import { type IndexedPart, knownPartPaths } from '../store/part-listing.ts';
import { forgetParts } from '../store/parts.ts';
import { orphansAreBefore, orphansBelow, partPages, type SweepDeps } from './clean-disk.ts';

/** Looks at every byte of every part, beside whatever else goes on. */

export interface BadPart {
  readonly tenantId: string;
  readonly path: string;
  readonly reason: string;
}

export interface Verified {
  readonly parts: number;
  readonly bytes: number;
  readonly bad: readonly BadPart[];
  /** Files that no row of the index names, which the next sweep would take; nobody reads them. */
  readonly orphans: readonly string[];
}

export interface VerifyJob {
  /** Undefined: of all tenants. */
  readonly tenantId: string | undefined;
  /** Drops what is bad, and removes orphans. */
  readonly repair: boolean;
  /** UTC epoch ms, for the age of orphans. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly onPart: (verified: { readonly parts: number; readonly bytes: number }) => void;
}

/** @throws DaybookError `E_IO` when a part cannot be read for a reason that is not its own */
export async function verifyCache(job: VerifyJob, deps: Omit<SweepDeps, 'log'>): Promise<Verified> {
  const bad: BadPart[] = [];
  let parts = 0;
  let bytes = 0;
  for await (const page of partPages(deps.database, job.tenantId)) {
    for (const part of page) {
      job.signal.throwIfAborted();
      const reason = await whatIsWrong(part, job.signal, deps);
      parts += 1;
      bytes += part.bytes;
      job.onPart({ parts, bytes });
      if (reason === null || !(await isStillThere(part, deps))) continue;
      bad.push({ tenantId: part.tenantId, path: part.path, reason });
      if (job.repair) await drop(part, deps);
    }
  }
  return { parts, bytes, bad, orphans: await lookForOrphans(job, deps) };
}

/** Null: nothing. */
async function whatIsWrong(
  { part, path }: IndexedPart,
  signal: AbortSignal,
  { home }: Pick<SweepDeps, 'home'>,
): Promise<string | null> {
  try {
    await verifyPart(home, part, signal);
    return null;
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toDaybookError(toFileError(thrown, `DAYBOOK_HOME/${path}`));
    if (error.code === 'E_PART_DAMAGED') return String(error.details.reason);
    // A sector that cannot be read is the part's own fault; a right that we lack is not.
    if ((thrown as NodeJS.ErrnoException).code === 'EIO') return error.message;
    throw error;
  }
}

/** It may have been evicted, or dropped by a run that found it bad, while it was read. */
async function isStillThere(part: IndexedPart, deps: Pick<SweepDeps, 'database'>) {
  const known = await deps.database.asSystem((tx) => knownPartPaths(tx, [part]));
  return known.has(part.path);
}

async function drop({ tenantId, path }: IndexedPart, deps: Omit<SweepDeps, 'log'>): Promise<void> {
  await deps.database.asSystem((tx) => forgetParts(tx, tenantId, [path]));
  await removeFile(deps.home, 'parts', path).catch((error: unknown) => {
    // A folder or a link that somebody put there is not ours to remove; nobody looks for it now.
    if (!(error instanceof DaybookError) || error.code !== 'E_IO') throw error;
  });
}

async function lookForOrphans(job: VerifyJob, deps: Omit<SweepDeps, 'log'>): Promise<string[]> {
  const before = await orphansAreBefore(job.now, deps.database);
  const orphans: string[] = [];
  for await (const { path, tenantId } of orphansBelow('parts', before, knownPartPaths, deps)) {
    job.signal.throwIfAborted();
    if (job.tenantId !== undefined && job.tenantId !== tenantId) continue;
    orphans.push(path);
    if (job.repair) await removeFile(deps.home, 'parts', path);
  }
  return orphans;
}
