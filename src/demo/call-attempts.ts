import type { DayWindow } from '../time/day-window.ts';
import { openingHours, QUEUES, type Queue } from './call-centre.ts';
import { activityOf, callsPerHour, closedCallsPerHour } from './call-volume.ts';
import { localClock } from './local-clock.ts';
import { someNumber } from './phone-numbers.ts';
import { type Random, randomOf } from './random.ts';

/** Somebody dials. What comes of it is decided in `calls-of-day.ts`. */
export type CallAttempt =
  | {
      readonly kind: 'inbound';
      /** UTC epoch ms, whole seconds: when the call starts, and when it enters its queue. */
      readonly startedAt: number;
      readonly readyAt: number;
      readonly caller: string | null;
      readonly queue: Queue;
    }
  | {
      readonly kind: 'closed' | 'outbound' | 'internal';
      readonly startedAt: number;
      readonly readyAt: number;
      readonly caller: string | null;
    };

const OUTBOUND_PER_DAY = 64;
const OUTBOUND_HOURS = [9.5, 17.5] as const;
const INTERNAL_PER_DAY = 20;
const ANONYMOUS_SHARE = 0.02;

/** Every attempt of a day, in the order in which they want somebody. */
export function callAttempts(seed: string, day: DayWindow): CallAttempt[] {
  const random = randomOf(`${seed}|attempts|${day.date}`);
  const attempts: CallAttempt[] = [];
  for (const slot of halfHours(day)) {
    for (const queue of QUEUES) {
      const rate = callsPerHour(seed, queue, day.date, slot.hour);
      for (const at of arrivals(random, slot, rate)) {
        attempts.push(inboundAttempt(random, queue, at, someCaller(random)));
      }
    }
    if (isClosed(day.date, slot.hour)) {
      for (const at of arrivals(random, slot, closedCallsPerHour(slot.hour))) {
        attempts.push({
          kind: 'closed',
          startedAt: at,
          readyAt: at,
          caller: someCaller(random),
        });
      }
    }
    for (const [kind, perDay] of [
      ['outbound', OUTBOUND_PER_DAY],
      ['internal', INTERNAL_PER_DAY],
    ] as const) {
      const working = slot.hour >= OUTBOUND_HOURS[0] && slot.hour < OUTBOUND_HOURS[1];
      const hours = OUTBOUND_HOURS[1] - OUTBOUND_HOURS[0];
      const rate = working ? (perDay * activityOf(day.date)) / hours : 0;
      for (const at of arrivals(random, slot, rate)) {
        attempts.push({ kind, startedAt: at, readyAt: at, caller: null });
      }
    }
  }
  return attempts.sort((a, b) => a.readyAt - b.readyAt);
}

/** A caller passes the menu before the queue. */
export function inboundAttempt(
  random: Random,
  queue: Queue,
  startedAt: number,
  caller: string | null,
): CallAttempt {
  const readyAt = startedAt + random.between(7, 34) * 1000;
  return { kind: 'inbound', startedAt, readyAt, caller, queue };
}

function someCaller(random: Random): string | null {
  return random.chance(ANONYMOUS_SHARE) ? null : someNumber(random);
}

interface Slot {
  /** Clock time at its start. */
  readonly hour: number;
  readonly start: number;
  readonly end: number;
}

/** The half hours of the clock; one that the day skips lasts nothing, one it repeats lasts longer. */
function halfHours(day: DayWindow): Slot[] {
  const clock = localClock(day);
  return Array.from({ length: 48 }, (_, i) => ({
    hour: i / 2,
    start: clock(i / 2),
    end: clock((i + 1) / 2),
  }));
}

function arrivals(random: Random, slot: Slot, perHour: number): number[] {
  const seconds = (slot.end - slot.start) / 1000;
  if (perHour <= 0 || seconds <= 0) return [];
  const count = random.poisson((perHour * seconds) / 3600);
  return Array.from(
    { length: count },
    () => slot.start + Math.floor(random.next() * seconds) * 1000,
  );
}

function isClosed(date: string, hour: number): boolean {
  const hours = openingHours(date);
  return hours === null || hour < hours[0] || hour >= hours[1];
}
