import cron from 'node-cron';
import { LOOK_UP } from '../../store/database.ts';
import { databaseNow } from '../../store/dataset-marks.ts';
import { runStage } from './run-stage.ts';
import type { StageDeps, StageName, StagePass } from './stage.ts';
import { type StageLoop, startStageLoop } from './stage-loop.ts';

/**
 * Wakes the stages: each minute, and each after the one before it that had something for it. What is
 * due is decided by the stages, from rows: a tick too many or too few changes nothing but when.
 */
export interface Ticker {
  /** Something happened that the stage may go on with. */
  wake(stage: StageName): void;
  stop(): Promise<void>;
}

/** A clock that was set back keeps cron silent: it is not relied on. */
const SILENCE_MS = 90_000;
const LOOK_MS = 15_000;
/** Clocks of ours and of the database that differ more are worth a warning. */
const SKEW_MS = 60_000;

export function startTicker(
  deps: StageDeps & {
    /** In the order in which they feed each other. */
    readonly stages: Readonly<Partial<Record<StageName, StagePass>>>;
    /** Runs were queued. */
    readonly onQueued: () => void;
  },
): Ticker {
  const { database, log } = deps;
  const loops = new Map<StageName, StageLoop>();
  const names = Object.keys(deps.stages) as StageName[];
  for (const [index, name] of names.entries()) {
    const pass = deps.stages[name] as StagePass;
    const next = names.at(index + 1);
    loops.set(
      name,
      startStageLoop({
        name,
        log,
        pass: async (signal) => {
          const now = await database.asSystem(databaseNow, LOOK_UP);
          warnOfSkew(now);
          return runStage({ name, pass }, now, deps, signal);
        },
        onDone: (summary) => {
          if (!didSomething(summary)) return;
          log.info({ stage: name, ...summary }, 'stage');
          if ((summary as { queued?: unknown }).queued) deps.onQueued();
          if (next !== undefined) loops.get(next)?.wake();
        },
      }),
    );
  }

  let warnedOfSkew = false;
  function warnOfSkew(now: number): void {
    const skewMs = Math.abs(Date.now() - now);
    if (skewMs > SKEW_MS && !warnedOfSkew)
      log.warn({ skewMs }, 'the clock differs from the database’s');
    warnedOfSkew = skewMs > SKEW_MS;
  }

  let wokenAt = performance.now();
  function wakeAll(): void {
    wokenAt = performance.now();
    for (const loop of loops.values()) loop.wake();
  }
  // A clock that was set ahead misses wakes, a line each, and no due time.
  const quiet = { suppressMissedWarning: true };
  const task = cron.schedule('* * * * *', wakeAll, { timezone: 'UTC', name: 'stages', ...quiet });
  const watch = setInterval(() => {
    if (performance.now() - wokenAt > SILENCE_MS) wakeAll();
  }, LOOK_MS);
  wakeAll();

  return {
    wake: (stage) => loops.get(stage)?.wake(),
    async stop() {
      clearInterval(watch);
      await task.destroy();
      await Promise.all([...loops.values()].map((loop) => loop.stop()));
    },
  };
}

function didSomething(summary: object): boolean {
  return Object.values(summary).some((value) => typeof value === 'number' && value > 0);
}
