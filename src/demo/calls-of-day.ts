import type { DayWindow } from '../time/day-window.ts';
import { type AgentDesk, openDesk } from './agent-desk.ts';
import { type CallAttempt, callAttempts, inboundAttempt } from './call-attempts.ts';
import { openingHours } from './call-centre.ts';
import type { DemoCall } from './demo-rows.ts';
import { localClock } from './local-clock.ts';
import { someNumber } from './phone-numbers.ts';
import { type Random, randomOf } from './random.ts';

/**
 * The calls of one day: callers queue for the agents on shift, first come first served, and give
 * up when their patience ends. So waits, abandonment and occupancy follow from each other. It
 * depends on the seed and the day alone.
 */
export function callsOfDay(seed: string, day: DayWindow): DemoCall[] {
  const random = randomOf(`${seed}|calls|${day.date}`);
  const desk = openDesk(seed, day);
  const open = openingHours(day.date);
  const closesAt = open === null ? day.start : localClock(day)(open[1]);
  const attempts = callAttempts(seed, day);
  const calls: Omit<DemoCall, 'external_id'>[] = [];
  for (let next = attempts.shift(); next; next = attempts.shift()) {
    const call = becomesOf(next, desk, random);
    if (!call) continue;
    calls.push(call);
    const again = next.kind === 'inbound' ? callBack(next, call, closesAt, random) : null;
    if (again) {
      const place = attempts.findIndex((attempt) => attempt.readyAt > again.readyAt);
      attempts.splice(place < 0 ? attempts.length : place, 0, again);
    }
  }
  calls.sort((a, b) => a.started_at - b.started_at);
  const compactDate = day.date.replaceAll('-', '');
  return calls.map((call, i) => ({
    external_id: `${compactDate}-${String(i + 1).padStart(5, '0')}`,
    ...call,
  }));
}

type Outcome = Omit<DemoCall, 'external_id'>;

function becomesOf(attempt: CallAttempt, desk: AgentDesk, random: Random): Outcome | null {
  switch (attempt.kind) {
    case 'inbound':
      return inbound(attempt, desk, random);
    case 'outbound':
      return outbound(attempt.startedAt, desk, random);
    case 'internal':
      return internal(attempt.startedAt, desk, random);
    case 'closed':
      return afterHours(attempt.startedAt, attempt.caller, random);
  }
}

const NOTHING = {
  queued_at: null,
  answered_at: null,
  queue: null,
  agent: null,
  trunk: null,
  wait_seconds: null,
  talk_seconds: null,
} as const;
const MAIN_NUMBER = '+12125550139';
const OUR_NUMBER = '+12125550140';
const LEAVES_IN_MENU = 0.015;
const LONGEST_PATIENCE_SECONDS = 2_700;
const LONGEST_TALK_SECONDS = 7_200;

function inbound(
  attempt: Extract<CallAttempt, { kind: 'inbound' }>,
  desk: AgentDesk,
  random: Random,
): Outcome {
  const { queue, startedAt, readyAt } = attempt;
  const call = {
    ...NOTHING,
    started_at: startedAt,
    direction: 'inbound',
    caller: attempt.caller,
    callee: queue.number,
    trunk: inboundTrunk(random),
  } as const;
  if (random.chance(LEAVES_IN_MENU)) {
    return { ...call, ended_at: startedAt + random.between(1, 6) * 1000, disposition: 'ignored' };
  }
  const patience = Math.min(
    5 + Math.round(random.exponential(queue.meanPatienceSeconds)),
    LONGEST_PATIENCE_SECONDS,
  );
  const free = desk.firstFree((agent) => agent.skills.includes(queue.name), readyAt);
  const answeredAt = free === null ? Infinity : free.at + random.between(2, 7) * 1000;
  if (free === null || answeredAt > readyAt + patience * 1000) {
    return {
      ...call,
      queued_at: readyAt,
      ended_at: readyAt + patience * 1000,
      queue: queue.name,
      disposition: 'abandoned',
      wait_seconds: patience,
    };
  }
  const talk = talkSeconds(random, queue.medianTalkSeconds, 0.7);
  const endedAt = answeredAt + talk * 1000;
  desk.busyUntil(free.agent, endedAt + wrapUpMs(random));
  return {
    ...call,
    queued_at: readyAt,
    answered_at: answeredAt,
    ended_at: endedAt,
    queue: queue.name,
    agent: free.agent.name,
    disposition: 'answered',
    wait_seconds: (answeredAt - readyAt) / 1000,
    talk_seconds: talk,
  };
}

/** Of those who gave up, some try again within the hour. */
function callBack(
  attempt: Extract<CallAttempt, { kind: 'inbound' }>,
  call: Outcome,
  closesAt: number,
  random: Random,
): CallAttempt | null {
  if (call.disposition !== 'abandoned' || !random.chance(0.4)) return null;
  const startedAt = call.ended_at + random.between(120, 2_700) * 1000;
  if (startedAt >= closesAt) return null;
  return inboundAttempt(random, attempt.queue, startedAt, attempt.caller);
}

const OUTBOUND_ENDS = [
  { weight: 41, value: 'answered' },
  { weight: 31, value: 'no_answer' },
  { weight: 18, value: 'voicemail' },
  { weight: 7, value: 'busy' },
  { weight: 3, value: 'failed' },
] as const;

function outbound(wishedAt: number, desk: AgentDesk, random: Random): Outcome | null {
  const free = desk.firstFree((agent) => agent.callsOut, wishedAt);
  if (free === null || free.at > wishedAt + 15 * 60_000) return null;
  const disposition = random.weighted(OUTBOUND_ENDS);
  const ringMs = (disposition === 'failed' ? random.between(1, 4) : random.between(6, 28)) * 1000;
  const answered = disposition === 'answered';
  const talk = answered ? talkSeconds(random, 150, 0.8) : null;
  const messageSeconds = disposition === 'voicemail' ? random.between(12, 40) : 0;
  const endedAt = free.at + ringMs + ((talk ?? 0) + messageSeconds) * 1000;
  desk.busyUntil(free.agent, endedAt + wrapUpMs(random));
  return {
    ...NOTHING,
    started_at: free.at,
    answered_at: answered ? free.at + ringMs : null,
    ended_at: endedAt,
    direction: 'outbound',
    caller: OUR_NUMBER,
    callee: someNumber(random),
    agent: free.agent.name,
    trunk: random.chance(0.75) ? 'harbor-sip' : 'atlantic-2',
    disposition,
    talk_seconds: talk,
  };
}

function internal(startedAt: number, desk: AgentDesk, random: Random): Outcome | null {
  if (desk.working.length < 2) return null;
  const from = random.pick(desk.working);
  const to = random.pick(desk.working);
  if (from === to) return null;
  const answered = random.chance(0.84);
  const ringMs = random.between(2, answered ? 12 : 25) * 1000;
  const talk = answered ? talkSeconds(random, 70, 0.8) : null;
  return {
    ...NOTHING,
    started_at: startedAt,
    answered_at: answered ? startedAt + ringMs : null,
    ended_at: startedAt + ringMs + (talk ?? 0) * 1000,
    direction: 'internal',
    caller: from.extension,
    callee: to.extension,
    disposition: answered ? 'answered' : random.chance(0.7) ? 'no_answer' : 'busy',
    talk_seconds: talk,
  };
}

/** While everything is closed a machine answers; a little over half leave a message. */
function afterHours(startedAt: number, caller: string | null, random: Random): Outcome {
  const leavesMessage = random.chance(0.58);
  const seconds = random.between(6, 24) + (leavesMessage ? 8 + random.between(0, 80) : 0);
  return {
    ...NOTHING,
    started_at: startedAt,
    ended_at: startedAt + seconds * 1000,
    direction: 'inbound',
    caller,
    callee: MAIN_NUMBER,
    trunk: inboundTrunk(random),
    disposition: leavesMessage ? 'voicemail' : 'no_answer',
  };
}

function inboundTrunk(random: Random): string {
  return random.chance(0.7) ? 'atlantic-1' : 'atlantic-2';
}

function talkSeconds(random: Random, median: number, spread: number): number {
  return Math.min(Math.max(Math.round(random.logNormal(median, spread)), 4), LONGEST_TALK_SECONDS);
}

function wrapUpMs(random: Random): number {
  return Math.round(random.logNormal(40, 0.5)) * 1000;
}
