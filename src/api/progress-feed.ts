import type { ProgressFeed, RunProgress } from './deps.ts';

/** Of how many runs the last hint is kept, for who comes later. */
const REMEMBERED_MOST = 1_000;

/** Hands hints on to who listens. */
export function createProgressFeed(): ProgressFeed & { publish(hint: RunProgress): void } {
  const listeners = new Map<string, Set<(hint: RunProgress) => void>>();
  /** Oldest first. */
  const latest = new Map<string, RunProgress>();
  return {
    subscribe(runId, listener) {
      const set = listeners.get(runId) ?? new Set();
      listeners.set(runId, set.add(listener));
      const known = latest.get(runId);
      if (known) listener(known);
      return () => {
        set.delete(listener);
        if (set.size === 0 && listeners.get(runId) === set) listeners.delete(runId);
      };
    },
    publish(hint) {
      latest.delete(hint.runId);
      if (hint.state === 'running') latest.set(hint.runId, hint);
      for (const oldest of latest.keys()) {
        if (latest.size <= REMEMBERED_MOST) break;
        latest.delete(oldest);
      }
      for (const listener of listeners.get(hint.runId) ?? []) listener(hint);
    },
  };
}
