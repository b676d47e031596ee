import type { WorkClass } from '../reports/day-task.ts';
import { createHeap } from './balancer-heap.ts';

/** A day that waits for a thread, as one of those who want it asked for it. */
export interface WaitingDay {
  /** Its own: two who ask for the same day have an id each. */
  readonly id: string;
  readonly tenantId: string;
  /** Days of one run share it. */
  readonly runId: string;
  readonly workClass: WorkClass;
  /** What it is thought to cost. */
  readonly expectedRows: number;
  /** It was in a process that died. So that it can prove itself, it runs alone in the next. */
  readonly suspected: boolean;
}

/**
 * Days that wait, in some order, and what of theirs is in flight. A queue may be made of queues.
 * Times are milliseconds of a monotonic clock, and never go back from call to call.
 */
export interface DayQueue {
  /** How many wait. */
  readonly waiting: number;
  /** How many were started and have not ended. */
  readonly inFlight: number;
  add(day: WaitingDay, now: number): void;
  remove(day: WaitingDay): void;
  /** The one whose turn it is, which goes on waiting; null when none waits. */
  peek(now: number): WaitingDay | null;
  /** The day goes in flight. It may wait here until it is removed, or never have waited here. */
  start(day: WaitingDay, now: number): void;
  end(day: WaitingDay): void;
}

/** Days that differ by less than so many times are taken as they came. */
const MUCH_LONGER = 16;

/**
 * How long a day is, by orders of magnitude. Only one that is much longer than the others delays
 * the end of a run when it starts late; and a file is sent while it is made, from its first day on.
 */
export function magnitudeOf(rows: number): number {
  return Math.floor(Math.log(Math.max(1, rows)) / Math.log(MUCH_LONGER));
}

/** Much longer days first; of others, and of equals, the one that came first. */
export function createLongestFirst(): DayQueue {
  const places = new Map<WaitingDay, { readonly magnitude: number; readonly arrival: number }>();
  const placeOf = (day: WaitingDay) =>
    places.get(day) as { readonly magnitude: number; readonly arrival: number };
  const heap = createHeap<WaitingDay>((a, b) => {
    const [left, right] = [placeOf(a), placeOf(b)];
    return right.magnitude - left.magnitude || left.arrival - right.arrival;
  });
  let arrivals = 0;
  let inFlight = 0;
  return {
    get waiting() {
      return heap.size;
    },
    get inFlight() {
      return inFlight;
    },
    add(day) {
      places.set(day, { magnitude: magnitudeOf(day.expectedRows), arrival: arrivals++ });
      heap.add(day);
    },
    remove(day) {
      heap.remove(day);
      places.delete(day);
    },
    peek: () => heap.peek() ?? null,
    start() {
      inFlight += 1;
    },
    end() {
      inFlight -= 1;
    },
  };
}
