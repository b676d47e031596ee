/**
 * The call centre of the demo: its queues, its people and its hours. Clock times are hours of
 * the local day, such as 8.5 for half past eight.
 */

export type QueueName = 'sales' | 'support' | 'billing' | 'returns';

export interface Queue {
  readonly name: QueueName;
  /** The number that callers dial. */
  readonly number: string;
  /** Calls that an ordinary Wednesday brings. */
  readonly callsPerDay: number;
  /** Of a conversation. */
  readonly medianTalkSeconds: number;
  /** How long a caller is ready to wait, on average. */
  readonly meanPatienceSeconds: number;
}

export const QUEUES: readonly Queue[] = [
  {
    name: 'sales',
    number: '+12125550140',
    callsPerDay: 62,
    medianTalkSeconds: 260,
    meanPatienceSeconds: 480,
  },
  {
    name: 'support',
    number: '+12125550141',
    callsPerDay: 84,
    medianTalkSeconds: 330,
    meanPatienceSeconds: 700,
  },
  {
    name: 'billing',
    number: '+12125550142',
    callsPerDay: 38,
    medianTalkSeconds: 215,
    meanPatienceSeconds: 560,
  },
  {
    name: 'returns',
    number: '+12125550143',
    callsPerDay: 22,
    medianTalkSeconds: 175,
    meanPatienceSeconds: 420,
  },
];

export interface Agent {
  readonly name: string;
  readonly extension: string;
  /** Queues that they answer. */
  readonly skills: readonly QueueName[];
  /** Calls out for campaigns and call-backs. */
  readonly callsOut: boolean;
  /** Hours of a weekday; lunch lasts half an hour. */
  readonly shift: readonly [from: number, to: number];
  readonly lunch: number;
  /** 0 Sunday … 6 Saturday. */
  readonly workdays: readonly number[];
}

const WEEKDAYS = [1, 2, 3, 4, 5];
const agent = (
  name: string,
  extension: string,
  skills: readonly QueueName[],
  shift: readonly [number, number],
  lunch: number,
  workdays: readonly number[] = WEEKDAYS,
  callsOut = false,
): Agent => ({ name, extension, skills, callsOut, shift, lunch, workdays });

export const AGENTS: readonly Agent[] = [
  agent('Ana Ribeiro', '2101', ['sales', 'billing'], [8, 16.5], 12),
  agent('Ben Okafor', '2102', ['sales'], [9, 17.5], 12.5),
  agent('Chloé Martin', '2103', ['sales', 'returns'], [11.5, 20], 15.5),
  agent('Dmitri Volkov', '2104', ['sales'], [9, 17.5], 13, WEEKDAYS, true),
  agent('Elena Sørensen', '2201', ['support'], [8, 16.5], 11.5),
  agent('Farid Haddad', '2202', ['support', 'returns'], [8, 16.5], 12.5),
  agent('Grace Nakamura', '2203', ['support'], [9.5, 18], 13.5),
  agent("Hugh O'Connell", '2204', ['support', 'billing'], [11.5, 20], 15, [0, 2, 3, 4, 5]),
  agent('Isabel Núñez', '2205', ['support'], [10, 18.5], 14, [2, 3, 4, 5, 6]),
  agent(
    'Jonas Lindqvist',
    '2206',
    ['support', 'sales', 'billing', 'returns'],
    [9, 17.5],
    13,
    [0, 1, 4, 5, 6],
  ),
  agent('Kavita Rao', '2301', ['billing', 'returns'], [8, 16.5], 12),
  agent('Liam Walsh', '2302', ['billing', 'sales'], [10, 18.5], 13.5, [0, 2, 3, 5, 6]),
  agent('Mei Tanaka', '2401', [], [9, 17.5], 12.5, WEEKDAYS, true),
  agent('Noor Rahimi', '2402', [], [10, 18.5], 13.5, WEEKDAYS, true),
];

/** Opening hours by day of the week, 0 Sunday; null is closed. */
const HOURS: readonly (readonly [open: number, close: number] | null)[] = [
  [10, 16],
  [8, 20],
  [8, 20],
  [8, 20],
  [8, 20],
  [8, 20],
  [9, 17],
];

/** Days when nobody answers, as `MM-DD`; Thanksgiving moves. */
const FIXED_HOLIDAYS = ['01-01', '07-04', '12-25'];

/** 0 Sunday … 6 Saturday. */
export function weekdayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}

/** Opening hours of a date; null: closed all day. */
export function openingHours(date: string): readonly [open: number, close: number] | null {
  const monthDay = date.slice(5);
  const thanksgiving = monthDay >= '11-22' && monthDay <= '11-28' && weekdayOf(date) === 4;
  if (FIXED_HOLIDAYS.includes(monthDay) || thanksgiving) return null;
  return HOURS[weekdayOf(date)];
}
