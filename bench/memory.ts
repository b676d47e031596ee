import { readdirSync, readFileSync } from 'node:fs';
import { openContest } from './contest.ts';
import type { BenchOptions, BenchRow } from './row.ts';

/** Exports whose memory is watched: each way in which rows become a file. */
const EXPORTS: readonly Record<string, unknown>[] = [
  { format: 'csv' },
  { format: 'csv', columns: ['started_at', 'caller', 'agent'], locale: 'es' },
  { format: 'xlsx', cell_refs: 'never' },
  { format: 'xlsx', cell_refs: 'always' },
  { format: 'csv.gz' },
];

/**
 * The most memory that each process of a live `up` held at any time, as the system counted it
 * (VmHWM), after exports of five times as many rows beside the same exports of fewer.
 */
export async function benchMemory({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const [few, many] = quick ? [100_000, 500_000] : [1_000_000, 5_000_000];
  const ofFew = await peaksAfter(few, say);
  const ofMany = await peaksAfter(many, say);
  return Object.keys(ofMany).map((role) => ({
    figure: `peak memory, ${role}`,
    ours: ofMany[role],
    theirs: ofFew[role],
    ratio: ofMany[role] / ofFew[role],
    unit: 'MB',
    note: `${many} rows beside ${few} rows; ${EXPORTS.length} exports each`,
  }));
}

async function peaksAfter(
  rows: number,
  say: (text: string) => void,
): Promise<Record<string, number>> {
  const contest = await openContest(rows, (text) => say(`memory: ${text}`));
  try {
    for (const request of EXPORTS) {
      const seconds = await contest.seconds(request, 'out');
      say(`memory: ${rows} rows as ${request.format}: ${seconds.toFixed(1)} s`);
    }
    return peaksOf(contest.daybook.pid);
  } finally {
    await contest.close();
  }
}

/** Megabytes by role, the largest process of each. */
function peaksOf(primary: number): Record<string, number> {
  const peaks: Record<string, number> = { primary: peakOf(primary) };
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
      if (Number(parent) !== primary) continue;
      const role = /(?:^|\0)DAYBOOK_ROLE=(\w+)/.exec(
        readFileSync(`/proc/${name}/environ`, 'utf8'),
      )?.[1];
      if (role) peaks[role] = Math.max(peaks[role] ?? 0, peakOf(Number(name)));
    } catch {
      // It has ended meanwhile.
    }
  }
  return peaks;
}

function peakOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
