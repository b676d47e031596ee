import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { findChanged } from '../restate/find-changed.ts';
import { planStage } from './plan.ts';
import { processStage } from './process.ts';
import type { StageName, StagePass } from './stage.ts';

/**
 * The stages that a ticker wakes, and `daybook tick` does, in the order in which they feed each
 * other. `clean` is woken by itself: it also keeps parts within their bound.
 */
export function createStages(deps: {
  readonly database: Database;
  readonly source: RowSource;
  /** Names this process in leases. */
  readonly holder: string;
  /** Of the stage `send`, which is opened and closed by who wires it. */
  readonly send: StagePass;
}): Readonly<Partial<Record<StageName, StagePass>>> {
  return {
    plan: (now, signal) => planStage(now, deps, signal),
    process: async (now, signal) => ({
      ...(await processStage(now, deps, signal)),
      changed: await findChanged(now, deps, signal),
    }),
    send: deps.send,
  };
}
