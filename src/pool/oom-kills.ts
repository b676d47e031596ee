import { readFileSync } from 'node:fs';

/**
 * How many processes the kernel has killed since it started because memory ran out. It kills by
 * SIGKILL, as people do; only this number tells the two apart. Null where it cannot be read.
 */
function readOomKills(): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}

/**
 * Tells of the end of each process, by the signal that ended it, whether a SIGKILL was somebody's
 * wish, and not the kernel's because memory ran out. It asks for every end, in their order.
 */
export function watchKills(): (signal: string | null) => boolean {
  let seen = readOomKills();
  return (signal) => {
    const before = seen;
    seen = readOomKills();
    return signal === 'SIGKILL' && seen === before;
  };
}
