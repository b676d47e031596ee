import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Small disks of memory: only root can make them. Where `CI=true` it must be possible. */
export const canMount =
  process.env.CI === 'true' ||
  (process.getuid?.() === 0 &&
    spawnSync('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs none $d && umount $d']).status === 0);

const mounted: string[] = [];

export function smallDisk(folder: string, kibibytes: number): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'none', folder]);
  mounted.push(folder);
}

export function grow(folder: string): void {
  execFileSync('mount', ['-o', 'remount,size=64m', folder]);
}

export function removeSmallDisks(): void {
  for (const folder of mounted.splice(0)) execFileSync('umount', ['-l', folder]);
}
