import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { DaybookError, toFileError } from '../errors.ts';

/**
 * What stands below `parts` and `files` of a home folder, looked at and removed without ever
 * following a link or leaving the home. What is being made is left out.
 */

export type Root = 'parts' | 'files';

export interface FoundFile {
  /** Relative to the home folder, with slashes. */
  readonly path: string;
  /** Whose folder it stands in. */
  readonly tenantId: string;
  readonly bytes: number;
  /** UTC epoch ms. */
  readonly modifiedAt: number;
}

const OF_TENANT = /^\w+\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\//;

/**
 * Every plain file below the folders that a root has for tenants. What somebody put beside them is
 * not ours, and what goes while it is looked at is left out.
 */
export async function* filesBelow(home: string, root: Root): AsyncGenerator<FoundFile> {
  for await (const folder of foldersBelow(home, root)) {
    for (const entry of await entriesOf(join(home, folder))) {
      if (!entry.isFile()) continue;
      const path = `${folder}/${entry.name}`;
      const found = await lstat(join(home, path)).catch(ifThere);
      const [, tenantId] = OF_TENANT.exec(path) ?? [];
      if (!found?.isFile() || tenantId === undefined) continue;
      yield { path, tenantId, bytes: found.size, modifiedAt: found.mtimeMs };
    }
  }
}

/** Whether a plain file stands at a place that is relative to the home folder. */
export async function isFile(home: string, path: string): Promise<boolean> {
  return (await lstat(join(home, path)).catch(ifThere))?.isFile() ?? false;
}

/**
 * Removes one file, or the link that stands in its place; false: nothing was there.
 * @throws DaybookError `E_IO`, also for a place that is not below `root`, or only over a link
 */
export async function removeFile(home: string, root: Root, path: string): Promise<boolean> {
  if (normalize(path) !== path || !path.startsWith(`${root}${sep}`)) throw outside(path);
  try {
    const folder = join(home, dirname(path));
    const real = await realpath(folder);
    if (real !== join(await realpath(home), dirname(path))) throw outside(path);
    await unlink(join(home, path));
    return true;
  } catch (error) {
    if (isAway(error)) return false;
    throw toFileError(error, `DAYBOOK_HOME/${path}`);
  }
}

/** Removes empty folders below a root in which nothing has changed since `before`, UTC epoch ms. */
export async function removeEmptyFolders(
  home: string,
  root: Root,
  before: number,
): Promise<number> {
  const folders: string[] = [];
  for await (const folder of foldersBelow(home, root)) folders.push(folder);
  let removed = 0;
  // The root itself stays.
  for (const folder of folders.slice(1).reverse()) {
    const path = join(home, folder);
    const found = await lstat(path).catch(ifThere);
    if (!found?.isDirectory() || found.mtimeMs >= before) continue;
    if (await rmdir(path).then(() => true, ifThere)) removed += 1;
  }
  return removed;
}

/** A root and the folders below it, each before its own. */
async function* foldersBelow(home: string, root: Root): AsyncGenerator<string> {
  const top = await lstat(join(home, root)).catch(ifThere);
  if (!top?.isDirectory()) return;
  const waiting: string[] = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    yield folder;
    for (const entry of await entriesOf(join(home, folder))) {
      // A link to a folder is not a folder here.
      if (entry.isDirectory() && !entry.name.startsWith('.')) {
        waiting.push(`${folder}/${entry.name}`);
      }
    }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  return (await readdir(folder, { withFileTypes: true }).catch(ifThere)) ?? [];
}

const AWAY = new Set(['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST']);

function isAway(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Null for what went, or was filled, in the meantime. */
function ifThere(error: NodeJS.ErrnoException): null {
  if (AWAY.has(error.code ?? '')) return null;
  throw error;
}

function outside(path: string): DaybookError {
  return new DaybookError('E_IO', {
    where: `DAYBOOK_HOME/${path}`,
    reason: 'it is not a place of ours, or leads over a link',
  });
}
