import { readFileSync } from 'node:fs';

/**
 * How many processes the kernel has killed since it started because memory ran out. It kills by
 * SIGKILL, as people do; only this number tells the two apart. Null where it cannot be read.
 */
export function readOomKills(): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}
