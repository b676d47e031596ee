import type { DayWindow } from '../time/day-window.ts';
import { AGENTS, type Agent, openingHours, weekdayOf } from './call-centre.ts';
import { localClock } from './local-clock.ts';
import { randomOf } from './random.ts';

/** Who works on a day, and when each is next free. An agent has one call at a time. */
export interface AgentDesk {
  readonly working: readonly Agent[];
  /** Who of these can take a call first, and from when; null: nobody any more today. */
  firstFree(
    among: (agent: Agent) => boolean,
    fromMs: number,
  ): { readonly agent: Agent; readonly at: number } | null;
  busyUntil(agent: Agent, untilMs: number): void;
}

const ABSENT_CHANCE = 0.04;
/** Nobody takes a call in the last minutes of a shift. */
const BEFORE_END_MS = 2 * 60_000;
const LUNCH_HOURS = 0.5;

export function openDesk(seed: string, day: DayWindow): AgentDesk {
  const clock = localClock(day);
  const random = randomOf(`${seed}|agents|${day.date}`);
  const open = openingHours(day.date);
  const desks = AGENTS.flatMap((agent) => {
    const absent = random.chance(ABSENT_CHANCE);
    if (open === null || absent || !agent.workdays.includes(weekdayOf(day.date))) return [];
    const from = Math.max(agent.shift[0], open[0]);
    const to = Math.min(agent.shift[1], open[1]);
    return {
      agent,
      start: clock(from),
      lunch: clock(agent.lunch),
      lunchEnd: clock(agent.lunch + LUNCH_HOURS),
      end: clock(to),
      freeAt: 0,
    };
  });

  return {
    working: desks.map((desk) => desk.agent),
    firstFree(among, fromMs) {
      let best: { agent: Agent; at: number; idleSince: number } | null = null;
      for (const desk of desks) {
        if (!among(desk.agent)) continue;
        let at = Math.max(fromMs, desk.freeAt, desk.start);
        if (at >= desk.lunch && at < desk.lunchEnd) at = desk.lunchEnd;
        if (at > desk.end - BEFORE_END_MS) continue;
        if (!best || at < best.at || (at === best.at && desk.freeAt < best.idleSince)) {
          best = { agent: desk.agent, at, idleSince: desk.freeAt };
        }
      }
      return best;
    },
    busyUntil(agent, untilMs) {
      const desk = desks.find((candidate) => candidate.agent === agent);
      if (desk) desk.freeAt = untilMs;
    },
  };
}
