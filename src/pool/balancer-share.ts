import { createHeap } from './balancer-heap.ts';
import type { DayQueue, WaitingDay } from './balancer-queue.ts';

/**
 * Deficit round-robin among members (classes, tenants, runs) whose days cost very different
 * amounts, with rounds so short that nobody spends a whole quantum at once: the member that was
 * given the least, by its weight, is next.
 *
 * What a member was *given* is the cost of the days that it started. The *level* is what the one
 * that was given the least had finished of it, at the last start; it only rises. Who begins to wait
 * is lifted to the level: it is not paid for the time when it wanted nothing, and it comes before
 * all that have something in flight. Who was given more than the level keeps that as its debt.
 *
 * Newcomers that keep coming could starve a member for ever. So who has waited `patienceMs`
 * without a start goes first, at most at each {@link AGED_EVERY}th start.
 */
export interface ShareSettings {
  /** Which member a day belongs to. */
  readonly keyOf: (day: WaitingDay) => string;
  /** Twice the weight, twice the cost of the days that are started. */
  readonly weightOf: (key: string) => number;
  readonly patienceMs: number;
  /** Orders the days of one member. */
  readonly openQueue: () => DayQueue;
}

/** Of this many starts in a row at most one goes by age. */
export const AGED_EVERY = 4;

/** What a day costs besides its rows: a query, a file, two messages. In rows. */
const DAY_COST_ROWS = 1_000;

export function costOf(day: Pick<WaitingDay, 'expectedRows'>): number {
  return day.expectedRows + DAY_COST_ROWS;
}

interface Member {
  readonly key: string;
  readonly weight: number;
  readonly queue: DayQueue;
  /** Cost by weight of all that it started, from the level at which it came. */
  given: number;
  /** The part of it that is in flight. */
  flying: number;
  /** Nothing was started since it began to wait without a debt. */
  fresh: boolean;
  /** When it began to wait, or had its last start since. */
  since: number;
  /** Its place among those that began to wait. */
  arrival: number;
}

export function createFairShare(settings: ShareSettings): DayQueue {
  const members = new Map<string, Member>();
  const byGiven = createHeap<Member>(
    (a, b) =>
      a.given - b.given ||
      b.weight - a.weight ||
      Number(b.fresh) - Number(a.fresh) ||
      a.arrival - b.arrival,
  );
  /** Members that wait, those without a start for longest first. */
  const bySince = new Set<Member>();
  /** Members that want nothing, with their debts. */
  const resting = createHeap<Member>((a, b) => a.given - b.given);
  let level = 0;
  let arrivals = 0;
  let waiting = 0;
  let inFlight = 0;
  let startsSinceAged = AGED_EVERY - 1;

  function memberOf(day: WaitingDay): Member {
    const key = settings.keyOf(day);
    const known = members.get(key);
    if (known) {
      resting.remove(known);
      return known;
    }
    const member: Member = {
      key,
      weight: settings.weightOf(key),
      queue: settings.openQueue(),
      given: level,
      flying: 0,
      fresh: false,
      since: 0,
      arrival: 0,
    };
    members.set(key, member);
    return member;
  }

  function beginToWait(member: Member, now: number): void {
    member.fresh = member.given <= level;
    member.given = Math.max(member.given, level);
    member.since = now;
    member.arrival = arrivals++;
    byGiven.add(member);
    bySince.add(member);
  }

  function aged(now: number): Member | null {
    if (startsSinceAged < AGED_EVERY - 1) return null;
    const [oldest] = bySince;
    return oldest && now - oldest.since >= settings.patienceMs ? oldest : null;
  }

  function rest(member: Member): void {
    if (member.queue.waiting + member.queue.inFlight > 0) return;
    resting.add(member);
    forgetPaidDebts();
  }

  /** A debt matters until the level has reached it, or until nobody is left who could be paid. */
  function forgetPaidDebts(): void {
    const idle = waiting + inFlight === 0;
    for (let next = resting.peek(); next && (idle || next.given <= level); next = resting.peek()) {
      resting.remove(next);
      members.delete(next.key);
    }
    if (idle) level = 0;
  }

  return {
    get waiting() {
      return waiting;
    },
    get inFlight() {
      return inFlight;
    },
    add(day, now) {
      const member = memberOf(day);
      waiting += 1;
      member.queue.add(day, now);
      if (member.queue.waiting === 1) beginToWait(member, now);
    },
    remove(day) {
      const member = members.get(settings.keyOf(day)) as Member;
      waiting -= 1;
      member.queue.remove(day);
      if (member.queue.waiting > 0) return;
      byGiven.remove(member);
      bySince.delete(member);
      rest(member);
    },
    peek(now) {
      const member = aged(now) ?? byGiven.peek();
      return member ? member.queue.peek(now) : null;
    },
    start(day, now) {
      const member = memberOf(day);
      startsSinceAged = aged(now) === member ? 0 : startsSinceAged + 1;
      const least = byGiven.peek();
      if (least) level = Math.max(level, least.given - least.flying);
      const waits = byGiven.remove(member);
      const cost = costOf(day) / member.weight;
      member.given += cost;
      member.flying += cost;
      member.fresh = false;
      member.since = now;
      inFlight += 1;
      member.queue.start(day, now);
      if (waits) {
        byGiven.add(member);
        bySince.delete(member);
        bySince.add(member);
      }
      forgetPaidDebts();
    },
    end(day) {
      const member = members.get(settings.keyOf(day)) as Member;
      inFlight -= 1;
      member.queue.end(day);
      member.flying -= costOf(day) / member.weight;
      if (member.queue.waiting === 0) rest(member);
    },
  };
}
