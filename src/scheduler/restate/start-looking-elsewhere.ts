import type { Logger } from '../../log.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { repeat } from '../repeat.ts';
import { findChangedElsewhere } from './find-changed-elsewhere.ts';

const PASS_MS = 60_000;
const LONGEST_MS = 5 * 60_000;

/** Looks for changes in others' databases, a pass every minute, until it is stopped. */
export function startLookingElsewhere(deps: {
  readonly database: Database;
  readonly source: RowSource;
  readonly holder: string;
  readonly log: Logger;
}): { stop(): Promise<void> } {
  const { log } = deps;
  return repeat({
    name: 'restatements elsewhere',
    pauseMs: PASS_MS,
    longestMs: LONGEST_MS,
    log,
    work: async (signal) => {
      const looked = await findChangedElsewhere(deps, signal);
      for (const failure of looked?.failures ?? [])
        log.warn(failure, 'rows could not be looked at');
    },
  });
}
