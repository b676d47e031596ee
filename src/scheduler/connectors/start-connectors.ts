import { nextDueOfSpec, specOf } from '../../connectors/next-due.ts';
import { queueConnectorRun, waitingConnectorRuns } from '../../store/connector-runs.ts';
import { dueConnectors, lockDueConnector, setNextDue } from '../../store/connectors.ts';
import type { Database } from '../../store/database.ts';
import { databaseNow } from '../../store/dataset-marks.ts';
import { requireTenant } from '../../store/tenants.ts';
import { repeat } from '../repeat.ts';
import { type ConnectorDeps, runConnector } from './run-connector.ts';

const PASS_MS = 5_000;
const LONGEST_MS = 60 * 60_000;
const MOST_DUE = 1_000;
/** At once, of all tenants: each may hold a load in memory. */
const AT_ONCE = 4;

/**
 * Queues a run of each connector that is due as of `now`, UTC epoch ms. What was missed is one run:
 * a connector fetches all that is there.
 * @returns how many
 */
export async function queueDueConnectors(now: number, database: Database): Promise<number> {
  const due = await database.asSystem((tx) => dueConnectors(tx, now, MOST_DUE), { readOnly: true });
  let queued = 0;
  for (const { tenantId, id } of due) {
    const { calendar } = await database.asSystem((tx) => requireTenant(tx, tenantId));
    queued += await database.asTenant(tenantId, async (tx) => {
      const mine = await lockDueConnector(tx, id, now);
      if (mine === null) return 0;
      await setNextDue(tx, id, nextDueOfSpec(specOf(mine.spec), calendar, now));
      const by = 'operator:connectors';
      await queueConnectorRun(tx, { tenantId, connectorId: id, cause: 'schedule', by });
      return 1;
    });
  }
  return queued;
}

/** Runs all that waits, some at once. @returns how many */
export async function runWaitingConnectors(
  deps: ConnectorDeps,
  signal: AbortSignal,
): Promise<number> {
  const { database } = deps;
  let done = 0;
  for (;;) {
    const waiting = await database.asSystem((tx) => waitingConnectorRuns(tx, 100), {
      readOnly: true,
    });
    let claimed = 0;
    const next = async (): Promise<void> => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
        signal.throwIfAborted();
        if (await runConnector(run, deps, signal)) claimed++;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    done += claimed;
    if (claimed === 0) return done;
  }
}

/** A pass each five seconds, until it is stopped. */
export function startConnectors(deps: ConnectorDeps): { wake(): void; stop(): Promise<void> } {
  const { database, log } = deps;
  return repeat({
    name: 'connectors',
    pauseMs: PASS_MS,
    longestMs: LONGEST_MS,
    log,
    work: async (signal) => {
      const now = await database.asSystem(databaseNow, { readOnly: true });
      await queueDueConnectors(now, database);
      await runWaitingConnectors(deps, signal);
    },
  });
}
