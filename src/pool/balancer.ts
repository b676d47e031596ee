import type { WorkClass } from '../reports/day-task.ts';
import { createLongestFirst, type WaitingDay } from './balancer-queue.ts';
import { createFairShare } from './balancer-share.ts';

/**
 * Which day starts next, and where. Pure: it knows the days that wait and what is in flight, and
 * forgets a day the moment it ends, because what a thread did yesterday says nothing about who is
 * free. A choice costs the logarithm of what waits.
 */

export type { WaitingDay } from './balancer-queue.ts';

export interface ComputeLoad {
  readonly id: number;
  readonly threads: number;
  readonly inFlight: number;
  /** A suspected day runs here; nothing else is to start. */
  readonly quarantined: boolean;
  /** It is kept for suspected days alone. Absent: no. */
  readonly isWard?: boolean;
}

export interface Choice {
  readonly day: WaitingDay;
  readonly computeId: number;
}

/** What the hub asks; the bench races other policies behind it. `now` is as for a queue of days. */
export interface Balancer {
  /** How many wait. */
  readonly waiting: number;
  add(day: WaitingDay, now: number): void;
  /** False: it does not wait. */
  remove(dayId: string): boolean;
  /**
   * The day that starts now, which waits no longer. Null: nothing waits, or nothing of it may
   * start on a thread that is idle.
   */
  startNext(computes: readonly ComputeLoad[], now: number): Choice | null;
  /** A day that was started runs no longer, whatever became of it. */
  end(dayId: string): void;
}

/** What each class gets of the threads while all of them wait. Powers of two: sums stay exact. */
const WEIGHTS: Readonly<Record<WorkClass, number>> = { interactive: 16, scheduled: 4, precache: 1 };

/** A class, tenant or run that waited this long without a start is given one. */
export const PATIENCE_MS = 30_000;

/**
 * Work-conserving: null only when nothing waits or no thread is idle. Classes share by weight, in
 * a class tenants share alike, of a tenant its runs do, counted in rows; of a run the longest day
 * comes first. It goes to the compute process with the most idle threads.
 *
 * The exception are suspected days: one at a time gets a process of its own, so that a second death
 * is blamed on nobody else: the ward, as soon as it is idle; where there is none, the least busy
 * process as soon as it has become free.
 */
export function createBalancer(): Balancer {
  const queue = createFairShare({
    keyOf: (day) => day.workClass,
    weightOf: (workClass) => WEIGHTS[workClass as WorkClass],
    patienceMs: PATIENCE_MS,
    openQueue: () =>
      fairBetween(
        (day) => day.tenantId,
        () => fairBetween((day) => day.runId, createLongestFirst),
      ),
  });
  const waiting = new Map<string, WaitingDay>();
  const suspected = new Map<string, WaitingDay>();
  const started = new Map<string, WaitingDay>();

  function start(day: WaitingDay, computeId: number, now: number): Choice {
    queue.start(day, now);
    if (!suspected.delete(day.id)) queue.remove(day);
    waiting.delete(day.id);
    started.set(day.id, day);
    return { day, computeId };
  }

  return {
    get waiting() {
      return waiting.size;
    },
    add(day, now) {
      waiting.set(day.id, day);
      if (day.suspected) suspected.set(day.id, day);
      else queue.add(day, now);
    },
    remove(dayId) {
      const day = waiting.get(dayId);
      if (!day) return false;
      waiting.delete(dayId);
      if (!suspected.delete(dayId)) queue.remove(day);
      return true;
    },
    startNext(computes, now) {
      const ward = computes.find((each) => each.isWard);
      const [suspect] = suspected.values();
      if (suspect && ward?.inFlight === 0) return start(suspect, ward.id, now);
      let open = computes.filter((each) => !each.isWard);
      if (suspect && !ward && open.length > 0) {
        const place = open.some((each) => each.quarantined) ? null : leastBusy(open);
        if (place?.inFlight === 0) return start(suspect, place.id, now);
        open = open.filter((each) => each !== place);
      }
      const compute = idlest(open);
      const day = compute && queue.peek(now);
      return day ? start(day, compute.id, now) : null;
    },
    end(dayId) {
      const day = started.get(dayId);
      if (!day) return;
      started.delete(dayId);
      queue.end(day);
    },
  };
}

function fairBetween(
  keyOf: (day: WaitingDay) => string,
  openQueue: Parameters<typeof createFairShare>[0]['openQueue'],
) {
  return createFairShare({ keyOf, weightOf: () => 1, patienceMs: PATIENCE_MS, openQueue });
}

function leastBusy(computes: readonly ComputeLoad[]): ComputeLoad {
  return computes.reduce((best, each) => (each.inFlight < best.inFlight ? each : best));
}

function idlest(computes: readonly ComputeLoad[]): ComputeLoad | null {
  let best: ComputeLoad | null = null;
  for (const compute of computes) {
    if (compute.quarantined) continue;
    const idle = compute.threads - compute.inFlight;
    if (idle > 0 && (best === null || idle > best.threads - best.inFlight)) best = compute;
  }
  return best;
}
