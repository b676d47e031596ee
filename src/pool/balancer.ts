import type { WorkClass } from '../reports/day-task.ts';

/**
 * Which day starts next, and where. Pure: it sees the days that wait and what is in flight now,
 * and nothing of the past, because what a thread did yesterday says nothing about who is free.
 */

export interface WaitingDay {
  readonly id: string;
  readonly tenantId: string;
  /** Days of one run share it. */
  readonly runId: string;
  readonly workClass: WorkClass;
  readonly expectedRows: number;
  /** Milliseconds of a monotonic clock. */
  readonly waitingSince: number;
  /** It was in a process that died. So that it can prove itself, it runs alone in the next. */
  readonly suspected: boolean;
}

export interface ComputeLoad {
  readonly id: number;
  readonly threads: number;
  readonly inFlight: number;
  /** A suspected day runs here; nothing else is to start. */
  readonly quarantined: boolean;
}

export interface Running {
  readonly tenantId: string;
  readonly runId: string;
}

/** A day of a lower class that waited this long counts one class higher, and so on. */
export const AGEING_MS = 30_000;

const RANK: Readonly<Record<WorkClass, number>> = { interactive: 0, scheduled: 1, precache: 2 };

export interface Choice {
  readonly day: WaitingDay;
  readonly computeId: number;
}

/**
 * Work-conserving: null only when nothing waits or no thread is idle. Urgent classes first, with
 * ageing; then the tenant with the fewest days in flight; then its run with the fewest; then the
 * day with the most rows. It goes to the compute process with the most idle threads.
 *
 * The exception are suspected days: one at a time gets a process of its own, as soon as the least
 * busy one has become free, so that a second death is blamed on nobody else.
 */
export function chooseNext(
  waiting: readonly WaitingDay[],
  running: readonly Running[],
  computes: readonly ComputeLoad[],
  now: number,
): Choice | null {
  if (idlest(computes) === null) return null;
  const suspect = waiting.find((day) => day.suspected);
  if (suspect === undefined) return chooseAmong(waiting, running, computes, now);
  const place = computes.some((compute) => compute.quarantined) ? null : leastBusy(computes);
  if (place?.inFlight === 0) return { day: suspect, computeId: place.id };
  return chooseAmong(
    waiting.filter((day) => !day.suspected),
    running,
    computes.filter((compute) => compute !== place),
    now,
  );
}

function chooseAmong(
  waiting: readonly WaitingDay[],
  running: readonly Running[],
  computes: readonly ComputeLoad[],
  now: number,
): Choice | null {
  const compute = idlest(computes);
  if (compute === null || waiting.length === 0) return null;
  const tenants = countBy(running, (day) => day.tenantId);
  const runs = countBy(running, (day) => day.runId);
  let best = waiting[0];
  let bestRank = rankOf(best, now);
  for (const day of waiting) {
    const rank = rankOf(day, now);
    const order =
      rank - bestRank ||
      (day.runId === best.runId
        ? best.expectedRows - day.expectedRows
        : (tenants.get(day.tenantId) ?? 0) - (tenants.get(best.tenantId) ?? 0) ||
          (runs.get(day.runId) ?? 0) - (runs.get(best.runId) ?? 0) ||
          day.waitingSince - best.waitingSince);
    if (order >= 0) continue;
    best = day;
    bestRank = rank;
  }
  return { day: best, computeId: compute.id };
}

/** The class of a day that several ask for. */
export function moreUrgent(a: WorkClass, b: WorkClass): WorkClass {
  return RANK[b] < RANK[a] ? b : a;
}

function rankOf(day: WaitingDay, now: number): number {
  const rank = RANK[day.workClass];
  return rank === 0 ? 0 : Math.max(0, rank - Math.floor((now - day.waitingSince) / AGEING_MS));
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

function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}
