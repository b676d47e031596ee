import { toDaybookError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type Database, LOOK_UP } from '../store/database.ts';
import { countQueued } from '../store/runs.ts';

const LOOK_MS = 1_000;

/** Tells each second how many interactive runs of all tenants nobody works on yet. */
export function watchQueue(deps: {
  readonly database: Database;
  readonly tell: (queue: { queuedRuns: number; queuedDays: number }) => void;
  readonly log: Logger;
}): { stop(): void } {
  let looking = false;
  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      const counted = await deps.database.asSystem((tx) => countQueued(tx, 'interactive'), LOOK_UP);
      deps.tell({ queuedRuns: counted.runs, queuedDays: counted.days });
    } catch (error) {
      deps.log.warn({ error: toDaybookError(error).message }, 'the queue was not counted');
    } finally {
      looking = false;
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS);
  return { stop: () => clearInterval(timer) };
}
