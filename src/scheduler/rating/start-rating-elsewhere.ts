import type { Logger } from '../../log.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { databaseNow } from '../../store/dataset-marks.ts';
import { repeat } from '../repeat.ts';
import { createPriceBooks } from './price-book.ts';
import { rateElsewhere } from './rate-elsewhere.ts';

const PASS_MS = 60_000;
const LONGEST_MS = 30 * 60_000;

/** Charges new calls that stand in others' databases, a pass every minute, until it is stopped. */
export function startRatingElsewhere(deps: {
  readonly database: Database;
  readonly source: RowSource;
  readonly holder: string;
  readonly log: Logger;
}): { stop(): Promise<void> } {
  const { database, log } = deps;
  const openBook = createPriceBooks(database);
  const rated = new Map<string, string>();
  return repeat({
    name: 'rating elsewhere',
    pauseMs: PASS_MS,
    longestMs: LONGEST_MS,
    log,
    work: async (signal) => {
      const now = await database.asSystem(databaseNow, { readOnly: true });
      const done = await rateElsewhere(now, { ...deps, openBook, rated }, signal);
      for (const failure of done?.failures ?? []) log.warn(failure, 'calls could not be charged');
      if (done && done.days > 0) log.info({ ...done, failures: undefined }, 'charged calls');
    },
  });
}
