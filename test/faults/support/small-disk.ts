import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Small disks of memory: only root can make them. Where `CI=true` it must be possible. */
export const canMount =
  process.env.CI === 'true' ||
  (process.getuid?.() === 0 &&
    spawnSync('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs none $d && umount $d']).status === 0);

const mounted: string[] = [];

/** In place of a folder that a running process may have its hold of: the folders of that stay. */
export function smallDisk(folder: string, kibibytes: number): void {
  mkdirSync(folder, { recursive: true });
  const making = join(folder, '.making');
  const kept = existsSync(making) ? readdirSync(making) : [];
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'none', folder]);
  mounted.push(folder);
  for (const name of kept) mkdirSync(join(making, name), { recursive: true });
}

export function grow(folder: string): void {
  execFileSync('mount', ['-o', 'remount,size=64m', folder]);
}

export function removeSmallDisks(): void {
  for (const folder of mounted.splice(0)) execFileSync('umount', ['-l', folder]);
}
