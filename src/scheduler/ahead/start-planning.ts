import type { Logger } from '../../log.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { databaseNow } from '../../store/dataset-marks.ts';
import { repeat } from '../repeat.ts';
import { planAhead } from './plan-ahead.ts';
import { studyDemand, type TenantDemand } from './study-demand.ts';

const PASS_MS = 60_000;
const LONGEST_MS = 120_000;
/** What tenants use changes slowly, and the study reads four weeks of runs. */
const STUDY_AGAIN_MS = 15 * 60_000;

/** Plans days ahead, a pass each minute, until it is stopped. */
export function startPlanningAhead(deps: {
  readonly database: Database;
  readonly source: RowSource;
  readonly log: Logger;
  /** There are new runs. */
  readonly wake: () => void;
}): { stop(): Promise<void> } {
  const { database, log } = deps;
  let demand: readonly TenantDemand[] = [];
  let studiedAt = Number.NEGATIVE_INFINITY;
  return repeat({
    name: 'days ahead',
    pauseMs: PASS_MS,
    longestMs: LONGEST_MS,
    log,
    work: async (signal) => {
      const now = await database.asSystem(databaseNow, { readOnly: true });
      if (now - studiedAt >= STUDY_AGAIN_MS) {
        demand = await studyDemand(database, now);
        studiedAt = now;
      }
      const { looked, planned, failures } = await planAhead(now, { ...deps, demand, signal });
      for (const failure of failures) log.warn(failure, 'a day could not be planned ahead');
      if (planned === 0) return;
      log.info({ looked, planned }, 'planned days ahead');
      deps.wake();
    },
  });
}
