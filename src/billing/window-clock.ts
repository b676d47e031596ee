import { DAY_MS } from '../time/day-number.ts';
import { historyOf, type ZoneHistory } from '../time/zone-history.ts';
import { type DayStretch, stretchesOf, type TimeWindow } from './time-window.ts';

const MINUTE_MS = 60_000;
/** Days whose stretches are kept: those of a month that is being rated, and some. */
const MOST_DAYS = 64;

/** Tells which of some windows holds at an instant, by the wall clock of a zone. */
export class WindowClock {
  readonly #windows: readonly TimeWindow[];
  readonly #history: ZoneHistory;
  readonly #days = new Map<number, readonly DayStretch[]>();

  /**
   * After {@link at}: until this instant, UTC epoch ms, the same window holds. The one behind it
   * may be the same again.
   */
  until = Number.POSITIVE_INFINITY;

  constructor(windows: readonly TimeWindow[], zone: string) {
    this.#windows = windows;
    this.#history = historyOf(zone);
  }

  /** Index of the window; -1: none holds. @param instantMs UTC epoch ms */
  at(instantMs: number): number {
    const { offsetMs, end } = this.#history.stretchAt(instantMs);
    const wallMs = instantMs + offsetMs;
    const day = Math.floor(wallMs / DAY_MS);
    const minute = Math.floor((wallMs - day * DAY_MS) / MINUTE_MS);
    for (const stretch of this.#stretches(day)) {
      if (minute >= stretch.toMinute) continue;
      this.until = Math.min(end, day * DAY_MS + stretch.toMinute * MINUTE_MS - offsetMs);
      return stretch.window;
    }
    throw new RangeError(`${instantMs} is no instant`);
  }

  #stretches(day: number): readonly DayStretch[] {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    if (this.#days.size >= MOST_DAYS) this.#days.clear();
    const made = stretchesOf(this.#windows, day);
    this.#days.set(day, made);
    return made;
  }
}
