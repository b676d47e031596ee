import { createHash } from 'node:crypto';
import type { DatasetName } from '../../reports/dataset.ts';
import type { WindowVersion } from '../../reports/ports.ts';
import type { Tx } from '../../store/database.ts';

const HOUR_MS = 3_600_000;

interface HourRow {
  hour_ms: string;
  version: string;
  row_count: string;
  changed_ms: string;
}

/** Versions of the windows from `data_hours`, as this transaction's snapshot sees them. */
export async function readWindowVersions(
  tx: Tx,
  dataset: DatasetName,
  windows: readonly { readonly start: number; readonly end: number }[],
): Promise<WindowVersion[]> {
  if (windows.length === 0) return [];
  const first = Math.min(...windows.map((window) => window.start));
  const last = Math.max(...windows.map((window) => window.end));
  const hours = await tx.query<HourRow>(
    `select (extract(epoch from hour) * 1000)::bigint as hour_ms, version, row_count,
            (extract(epoch from changed_at) * 1000)::bigint as changed_ms
     from daybook.data_hours
     where dataset = $1 and hour >= to_timestamp($2::double precision / 1000)
       and hour < to_timestamp($3::double precision / 1000)
     order by hour`,
    [dataset, Math.floor(first / HOUR_MS) * HOUR_MS, last],
  );
  const starts = hours.map((row) => Number(row.hour_ms));
  return windows.map((window) => {
    const digest = createHash('sha256');
    let rows = 0;
    let changedAt: number | null = null;
    for (
      let i = lowerBound(starts, Math.floor(window.start / HOUR_MS) * HOUR_MS);
      i < starts.length && starts[i] < window.end;
      i++
    ) {
      digest.update(`${hours[i].hour_ms}:${hours[i].version};`);
      rows += Number(hours[i].row_count);
      changedAt = Math.max(changedAt ?? 0, Number(hours[i].changed_ms));
    }
    return { fingerprint: digest.digest('hex').slice(0, 32), changedAt, rows };
  });
}

function lowerBound(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
