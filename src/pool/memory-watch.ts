import type { Pulse } from './pulse.ts';

/**
 * Whose day is to be ended when a compute process holds more memory than it may. A thread's limit
 * of heap does not count buffers, and what a process holds is known only as one sum.
 */

export const MEMORY_LOOK_MS = 100;
/** After a thread was ended, until its memory is thought to be free. */
const FREED_AFTER_LOOKS = 15;

export interface WatchedDay {
  readonly taskId: string;
  readonly pulse: Pulse;
}

export interface MemoryWatch {
  /**
   * To be called every {@link MEMORY_LOOK_MS}. The task that is to be ended, `'all'` when the
   * process holds too much though nobody works; null: all is well, or is about to be.
   */
  look(rssBytes: number, days: readonly WatchedDay[]): string | 'all' | null;
}

export function watchMemory(limitBytes: number): MemoryWatch {
  const seen = new Map<string, { turns: number; silentLooks: number }>();
  let patience = 0;

  function note(days: readonly WatchedDay[]): void {
    const present = new Set(days.map(({ taskId }) => taskId));
    for (const taskId of seen.keys()) if (!present.has(taskId)) seen.delete(taskId);
    for (const { taskId, pulse } of days) {
      const before = seen.get(taskId);
      const silentLooks = before?.turns === pulse.turns ? before.silentLooks + 1 : 0;
      seen.set(taskId, { turns: pulse.turns, silentLooks });
    }
  }

  /** What nobody accounts for is put to the thread that has been silent for the longest. */
  function mostAtFault(rssBytes: number, days: readonly WatchedDay[]): string {
    const silence = (day: WatchedDay) => seen.get(day.taskId)?.silentLooks ?? 0;
    const quietest = days.reduce((best, day) => (silence(day) > silence(best) ? day : best));
    const told = days.reduce((sum, { pulse }) => sum + pulse.heldBytes, 0);
    const untold = silence(quietest) > 0 ? Math.max(0, rssBytes - told) : 0;
    const held = (day: WatchedDay) => day.pulse.heldBytes + (day === quietest ? untold : 0);
    return days.reduce((best, day) => (held(day) > held(best) ? day : best)).taskId;
  }

  return {
    look(rssBytes, days) {
      note(days);
      if (rssBytes <= limitBytes) {
        patience = 0;
        return null;
      }
      if (patience-- > 0) return null;
      patience = FREED_AFTER_LOOKS;
      return days.length === 0 ? 'all' : mostAtFault(rssBytes, days);
    },
  };
}
