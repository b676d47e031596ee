import { type Contest, openContest } from './contest.ts';
import { raceCsv } from './export-csv.ts';
import { raceXlsx } from './export-xlsx.ts';
import type { BenchOptions, BenchRow } from './row.ts';

/**
 * Exports of 31 days of calls × 13 columns through a live `up`, cold, warm and rendered anew, from
 * the POST to the last byte of the file on disk, beside what a user would take instead.
 */
export async function benchExport({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const sayOurs = (text: string) => say(`export: ${text}`);
  const contest: Contest = await openContest(quick ? 100_000 : 1_000_000, sayOurs);
  try {
    const rounds = quick ? 3 : 5;
    return [
      ...(await raceCsv(contest, rounds, sayOurs)),
      ...(await raceXlsx(contest, rounds, sayOurs)),
    ];
  } finally {
    await contest.close();
  }
}
