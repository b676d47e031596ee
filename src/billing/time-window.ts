import { DAY_MS, type DayNumber, dateOf } from '../time/day-number.ts';

/**
 * When a rate holds, in local time. A window is one or more of `[days] [HH:MM-HH:MM]`, joined by
 * `;`, where days are joined by `,` and each is a weekday (`mon`), a span of them (`mon-fri`), a
 * date of every year (`12-25`) or one date (`2026-12-25`). No days: every day. No time: all of the
 * day. A time that ends at or before its start goes on into the next day.
 *
 * What says a date goes before what says a date of every year, that before weekdays, and all
 * before the empty window. Two windows of the same kind must not hold at the same time.
 */
export interface TimeWindow {
  readonly spans: readonly WindowSpan[];
}

export interface WindowSpan {
  /** 3: a date, 2: a date of every year, 1: weekdays. The larger wins. */
  readonly kind: 1 | 2 | 3;
  /** `2026-12-25`, `12-25`, or the weekday, `1` (Monday) to `7`. */
  readonly day: string;
  /** Minutes of the local day, `fromMinute` < `toMinute` ≤ 1440. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Of the day after {@link day}: the end of a span that went over midnight. */
  readonly nextDay: boolean;
}

const DAY_MINUTES = 1440;
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const EVERY_DAY = WEEKDAYS.map((_, index) => ({ kind: 1 as const, day: String(index + 1) }));

/** Null: the text is no window. The empty text is none either: it is the absence of one. */
export function parseTimeWindow(text: string): TimeWindow | null {
  const spans: WindowSpan[] = [];
  for (const part of text.toLowerCase().split(';')) {
    const match = /^\s*([a-z0-9, -]*?)\s*(?:(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d))?\s*$/.exec(part);
    if (match === null || part.trim() === '') return null;
    const [, dayText, ...times] = match;
    const days = dayText === '' ? EVERY_DAY : parseDays(dayText);
    const time = times[0] === undefined ? [0, DAY_MINUTES] : parseTimes(times);
    if (days === null || time === null) return null;
    const [from, to] = time;
    for (const day of days) {
      if (from < to) spans.push({ ...day, fromMinute: from, toMinute: to, nextDay: false });
      else {
        spans.push({ ...day, fromMinute: from, toMinute: DAY_MINUTES, nextDay: false });
        if (to > 0) spans.push({ ...day, fromMinute: 0, toMinute: to, nextDay: true });
      }
    }
  }
  return { spans };
}

function parseTimes(times: readonly string[]): [number, number] | null {
  const [fromHour, fromMinute, toHour, toMinute] = times.map(Number);
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  if (fromHour > 23 || fromMinute > 59 || toMinute > 59 || to > DAY_MINUTES) return null;
  return [from, to];
}

function parseDays(text: string): { kind: 1 | 2 | 3; day: string }[] | null {
  const days: { kind: 1 | 2 | 3; day: string }[] = [];
  for (const part of text.split(',')) {
    const day = part.trim();
    const [first, last, more] = day.split(/\s*-\s*/).map((name) => WEEKDAYS.indexOf(name));
    if (/^\d{4}-\d\d-\d\d$/.test(day) && isDate(day)) days.push({ kind: 3, day });
    else if (/^\d\d-\d\d$/.test(day) && isDate(`2000-${day}`)) days.push({ kind: 2, day });
    else if (first >= 0 && last === undefined) days.push({ kind: 1, day: String(first + 1) });
    else if (first >= 0 && last >= 0 && more === undefined) {
      for (let at = first; ; at = (at + 1) % 7) {
        days.push({ kind: 1, day: String(at + 1) });
        if (at === last) break;
      }
    } else return null;
  }
  return days;
}

function isDate(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === text;
}

/** A stretch of one local day: window `window` holds; -1: none. */
export interface DayStretch {
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly window: number;
}

/** Whether two windows of the same kind hold at the same time on some day. */
export function overlaps(a: TimeWindow, b: TimeWindow): boolean {
  return a.spans.some((one) =>
    b.spans.some(
      (other) =>
        one.kind === other.kind &&
        dayKey(one) === dayKey(other) &&
        one.fromMinute < other.toMinute &&
        other.fromMinute < one.toMinute,
    ),
  );
}

/** The day that a span really lies on; for a date of every year 29 February counts as there. */
function dayKey({ kind, day, nextDay }: WindowSpan): string {
  if (!nextDay) return day;
  if (kind === 1) return String((Number(day) % 7) + 1);
  const date = kind === 3 ? day : `2000-${day}`;
  const next = new Date(Date.parse(`${date}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  return kind === 3 ? next : next.slice(5);
}

/**
 * Which window holds when on a local date: stretches that cover the day, neighbours different.
 * @param windows none overlaps another of its kind
 */
export function stretchesOf(windows: readonly TimeWindow[], day: DayNumber): DayStretch[] {
  const holds = new Int32Array(DAY_MINUTES).fill(-1);
  const kinds = new Uint8Array(DAY_MINUTES);
  const date = dateOf(day);
  const before = dateOf(day - 1);
  const weekday = weekdayOf(day);
  windows.forEach(({ spans }, window) => {
    for (const { kind, day: on, fromMinute, toMinute, nextDay } of spans) {
      const its = nextDay ? before : date;
      const named =
        kind === 3
          ? its === on
          : kind === 2
            ? its.slice(5) === on
            : onWeekday(weekday, on, nextDay);
      if (!named) continue;
      for (let minute = fromMinute; minute < toMinute; minute++) {
        if (kinds[minute] >= kind) continue;
        kinds[minute] = kind;
        holds[minute] = window;
      }
    }
  });
  const stretches: DayStretch[] = [];
  for (let from = 0; from < DAY_MINUTES; ) {
    let to = from + 1;
    while (to < DAY_MINUTES && holds[to] === holds[from]) to++;
    stretches.push({ fromMinute: from, toMinute: to, window: holds[from] });
    from = to;
  }
  return stretches;
}

/** 1 (Monday) to 7. */
function weekdayOf(day: DayNumber): number {
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

function onWeekday(weekday: number, on: string, nextDay: boolean): boolean {
  const named = Number(on);
  return weekday === (nextDay ? (named % 7) + 1 : named);
}
