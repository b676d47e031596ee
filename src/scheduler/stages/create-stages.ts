import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { findChanged } from '../restate/find-changed.ts';
import { planStage } from './plan.ts';
import { processStage } from './process.ts';
import type { StageName, StagePass } from './stage.ts';

/** `process` is woken with each run that ends; late rows can wait: a minute, less what cron is early. */
const LOOK_MS = 50_000;
/** While there is more to seal or to queue, mails wait for no look; but not for longer: 15 min. */
const LOOK_LATEST_MS = 15 * 60_000;

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
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    plan: (now, signal) => planStage(now, deps, signal),
    process: async (now, signal) => {
      const processed = await processStage(now, deps, signal);
      const isBusy = processed.sealed + processed.queued > 0;
      if (Math.abs(now - lookedAt) < (isBusy ? LOOK_LATEST_MS : LOOK_MS)) return processed;
      const changed = await findChanged(now, deps, signal);
      lookedAt = now;
      return { ...processed, changed };
    },
    send: deps.send,
  };
}
