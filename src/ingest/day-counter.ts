import { type Calendar, dayAt, daysOf } from '../time/calendar.ts';
import { addDays } from '../time/day-number.ts';
import type { DayWindow } from '../time/day-window.ts';

const DAY_MS = 86_400_000;

/** Counts the different tenant-local days of instants; quick where many share a few days. */
export class DayCounter {
  readonly #calendar: Calendar;
  readonly #dates = new Set<string>();
  /** The days that meet a UTC date, by its number. */
  readonly #near = new Map<number, DayWindow[]>();
  #last: DayWindow | null = null;

  constructor(calendar: Calendar) {
    this.#calendar = calendar;
  }

  get count(): number {
    return this.#dates.size;
  }

  add(instantMs: number): void {
    const last = this.#last;
    if (last !== null && instantMs >= last.start && instantMs < last.end) return;
    const day = this.#dayOf(instantMs);
    this.#last = day;
    this.#dates.add(day.date);
  }

  #dayOf(instantMs: number): DayWindow {
    const utcDay = Math.floor(instantMs / DAY_MS);
    let near = this.#near.get(utcDay);
    if (near === undefined) {
      const date = new Date(utcDay * DAY_MS).toISOString().slice(0, 10);
      near = daysOf(this.#calendar, { from: addDays(date, -2), to: addDays(date, 2) });
      this.#near.set(utcDay, near);
    }
    const day = near.find((each) => instantMs >= each.start && instantMs < each.end);
    return day ?? dayAt(this.#calendar, instantMs);
  }
}
