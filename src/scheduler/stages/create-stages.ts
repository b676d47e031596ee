import type { Database } from '../../store/database.ts';
import { planStage } from './plan.ts';
import { processStage } from './process.ts';
import type { StageName, StagePass } from './stage.ts';

/**
 * The stages that a ticker wakes, and `daybook tick` does, in the order in which they feed each
 * other. `clean` is woken by itself: it also keeps parts within their bound.
 */
export function createStages(deps: {
  readonly database: Database;
  /** Of the stage `send`, which is opened and closed by who wires it. */
  readonly send: StagePass;
}): Readonly<Partial<Record<StageName, StagePass>>> {
  return {
    plan: (now, signal) => planStage(now, deps, signal),
    process: (now, signal) => processStage(now, deps, signal),
    send: deps.send,
  };
}
