import type { Database } from '../../../src/store/database.ts';
import { load } from '../../ingest/support/load.ts';
import type { TestTenant } from '../../support/database.ts';

/** Calls of some days of March 2026, as a file of ours. */
export function callsCsv(options: { days: number; perDay: number; from?: number; mark?: string }) {
  const lines = [
    'external_id,started_at,ended_at,caller,queue,agent,disposition,wait_seconds,talk_seconds',
  ];
  const { days, perDay, from = Date.UTC(2026, 2, 1), mark = 'x' } = options;
  for (let day = 0; day < days; day++) {
    for (let i = 0; i < perDay; i++) {
      const start = from + day * 86_400_000 + Math.floor((i * 86_400_000) / perDay);
      const at = (ms: number) => new Date(ms).toISOString();
      lines.push(
        `${mark}-${day}-${i},${at(start)},${at(start + 60_000)},+4420${1_000_000 + i},q${i % 5},a${i % 7},answered,${i % 30},${i % 600}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

export async function loadCalls(
  database: Database,
  tenant: TestTenant,
  options: { days: number; perDay: number },
): Promise<void> {
  await load(database, tenant, callsCsv(options));
}
