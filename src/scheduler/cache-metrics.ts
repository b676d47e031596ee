import { Counter, Gauge, type Registry } from 'prom-client';
import type { Cleaned } from './clean.ts';
import type { DayMeter } from './make-days.ts';

/** What the cache is worth, as metrics, and when it has outgrown its bound. */

/** Days of the runs and summaries of this process: found in the cache, or made. */
export function countDays(registry: Registry): Pick<DayMeter, 'dayDone' | 'damageFound'> {
  const days = new Counter({
    name: 'daybook_days_total',
    help: 'Days that went into files and summaries, by where they came from',
    labelNames: ['from'],
    registers: [registry],
  });
  const damaged = new Counter({
    name: 'daybook_parts_damaged_total',
    help: 'Parts that were not as they were written, dropped and made again',
    registers: [registry],
  });
  for (const from of ['cache', 'made']) days.inc({ from }, 0);
  return {
    dayDone: (cached) => days.inc({ from: cached ? 'cache' : 'made' }),
    damageFound: () => damaged.inc(),
  };
}

export interface CacheMeter extends DayMeter {
  cleaned(cleaned: Cleaned): void;
  /** As far as this process knows: what stood at the last pass, and what it recorded since. */
  isOverBound(): boolean;
}

/** For the one process that records parts and cleans. */
export function createCacheMeter(
  registry: Registry,
  of: { readonly boundBytes: number; readonly onOverBound: () => void },
): CacheMeter {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const counter = (name: string, help: string) =>
    new Counter({ name, help, registers: [registry] });
  const bytes = gauge('daybook_cache_bytes', 'Bytes of parts on disk');
  const parts = gauge('daybook_cache_parts', 'Parts on disk');
  gauge('daybook_cache_bound_bytes', 'What DAYBOOK_CACHE_BYTES allows').set(of.boundBytes);
  const evictedParts = counter('daybook_parts_evicted_total', 'Parts removed to make room');
  const evictedBytes = counter('daybook_parts_evicted_bytes_total', 'Their bytes');
  const expired = counter('daybook_files_expired_total', 'Finished files removed at their time');
  const orphans = counter('daybook_orphans_removed_total', 'Files removed that no row knew');
  let known = 0;

  return {
    ...countDays(registry),
    partsRecorded(recorded) {
      const added = recorded.reduce((sum, size) => sum + size, 0);
      known += added;
      bytes.inc(added);
      parts.inc(recorded.length);
      if (known > of.boundBytes) of.onOverBound();
    },
    cleaned({ cache, expiredFiles, swept }) {
      known = cache.bytes;
      bytes.set(cache.bytes);
      parts.set(cache.parts);
      evictedParts.inc(cache.evictedParts);
      evictedBytes.inc(cache.evictedBytes);
      expired.inc(expiredFiles);
      if (swept) orphans.inc(swept.orphanParts + swept.orphanFiles);
    },
    isOverBound: () => known > of.boundBytes,
  };
}
