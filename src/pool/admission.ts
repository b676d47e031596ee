import { DaybookError } from '../errors.ts';
import type { HubLoad } from './hub.ts';

/**
 * Whether one more interactive export is let in. Pure. What is scheduled or pre-cached never asks:
 * it is queued, and done when there is time.
 */

/** What waits, of all tenants, as the primary tells it. */
export interface Backlog {
  /** Until the interactive days that wait for threads are done, by what days took lately. */
  readonly waitingSeconds: number;
  /** What one more day takes of all threads together; 0 when no day was made yet. */
  readonly secondsPerDay: number;
  /** Interactive runs that nobody works on yet, and their days. */
  readonly queuedRuns: number;
  readonly queuedDays: number;
}

/** The backlog of what the hub has and of what has not come to it yet. */
export function backlogOf(
  load: Pick<HubLoad, 'threads' | 'interactiveRows' | 'msPerRow' | 'msPerDay'>,
  queue: Pick<Backlog, 'queuedRuns' | 'queuedDays'>,
): Backlog {
  const threads = Math.max(1, load.threads);
  return {
    waitingSeconds: (load.interactiveRows * (load.msPerRow ?? 0)) / threads / 1000,
    secondsPerDay: (load.msPerDay ?? 0) / threads / 1000,
    queuedRuns: queue.queuedRuns,
    queuedDays: queue.queuedDays,
  };
}

/** A tenant's interactive runs that nobody works on yet. Far above what people ask for by hand. */
export const MOST_RUNS_OF_TENANT = 100;
/** A backlog that takes longer than this cannot be met: whoever asks would not wait for it. */
export const PATIENCE_SECONDS = 600;
/** As many runs, whatever they take. */
export const MOST_RUNS = 1_000;
/** A tenant with fewer queued runs than this is let in all the same: the backlog is others'. */
export const FEW_RUNS = 4;
/** Beyond this many runs nobody is. */
export const MOST_RUNS_AT_ALL = 10_000;

const SOONEST_RETRY_SECONDS = 5;
const LATEST_RETRY_SECONDS = 300;

/**
 * Refuses a flood where it comes from: first the tenant that has too many runs queued, then, when
 * the backlog as a whole cannot be met, those that have a part in it. Others are still let in,
 * because the balancer starts their days next.
 * @throws DaybookError `E_BUSY`, with how long to wait
 */
export function demandRoom(tenantQueuedRuns: number, backlog: Backlog): void {
  const seconds = backlog.waitingSeconds + backlog.queuedDays * backlog.secondsPerDay;
  if (tenantQueuedRuns >= MOST_RUNS_OF_TENANT) {
    throw busy(`${tenantQueuedRuns} exports of this tenant wait`, seconds / 4);
  }
  if (backlog.queuedRuns >= MOST_RUNS_AT_ALL) {
    throw busy(`${backlog.queuedRuns} exports wait`, seconds / 4);
  }
  if (tenantQueuedRuns < FEW_RUNS) return;
  if (backlog.queuedRuns >= MOST_RUNS)
    throw busy(`${backlog.queuedRuns} exports wait`, seconds / 4);
  if (seconds > PATIENCE_SECONDS) {
    throw busy(`about ${Math.ceil(seconds)} s of work wait`, seconds - PATIENCE_SECONDS);
  }
}

function busy(got: string, retrySeconds: number): DaybookError {
  const bounded = Math.min(LATEST_RETRY_SECONDS, Math.max(SOONEST_RETRY_SECONDS, retrySeconds));
  return new DaybookError('E_BUSY', { got, retryAfterSeconds: Math.ceil(bounded) });
}
