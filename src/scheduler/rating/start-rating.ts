import type { Logger } from '../../log.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { databaseNow } from '../../store/dataset-marks.ts';
import { repeat } from '../repeat.ts';
import { createPriceBooks } from './price-book.ts';
import { rateNew } from './rate-new.ts';

const PASS_MS = 10_000;
/** Most passes look back an hour; now and then one looks at everything. */
const LOOK_BACK_MS = 3_600_000;
const LOOK_AT_ALL_MS = 30 * 60_000;
const LONGEST_MS = 30 * 60_000;

/** Charges new calls, a pass every ten seconds, until it is stopped. */
export function startRating(deps: {
  readonly database: Database;
  readonly source: RowSource;
  readonly holder: string;
  readonly log: Logger;
}): { stop(): Promise<void> } {
  const { database, log } = deps;
  const openBook = createPriceBooks(database);
  let lookedAtAll = Number.NEGATIVE_INFINITY;
  return repeat({
    name: 'rating',
    pauseMs: PASS_MS,
    longestMs: LONGEST_MS,
    log,
    work: async (signal) => {
      const now = await database.asSystem(databaseNow, { readOnly: true });
      const isFull = now - lookedAtAll >= LOOK_AT_ALL_MS;
      const lookBackMs = isFull ? null : LOOK_BACK_MS;
      const rated = await rateNew(now, { ...deps, openBook, lookBackMs }, signal);
      if (isFull && rated !== null) lookedAtAll = now;
      for (const failure of rated?.failures ?? []) log.warn(failure, 'calls could not be charged');
      if (rated && rated.calls > 0) log.info({ ...rated, failures: undefined }, 'charged calls');
    },
  });
}
