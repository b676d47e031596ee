import type { DatasetName } from '../../reports/dataset.ts';
import { dayBefore } from '../../reports/demand.ts';
import { isSettled } from '../../reports/settled.ts';
import type { DayAhead } from '../../store/days-ahead.ts';
import { type Calendar, dayAt } from '../../time/calendar.ts';
import type { DayWindow } from '../../time/day-window.ts';

/**
 * Which days are to be looked at now: of each lane the newest one that is settled, which is
 * yesterday from its midnight plus grace on, or as soon as a mark says that it is complete.
 */

/** Days of one dataset of a tenant, in one calendar. Only lanes with demand are planned. */
export interface Lane {
  readonly tenantId: string;
  readonly dataset: DatasetName;
  /** Null: the tenant's own calendar. */
  readonly zone: string | null;
  readonly calendar: Calendar;
  /** UTC epoch ms of the mark; null without one. */
  readonly completeThrough: number | null;
}

export interface DueDay<L extends Lane = Lane> {
  readonly lane: L;
  readonly day: DayWindow;
  /** What was planned of it before; null: nothing. */
  readonly before: DayAhead | null;
}

/** A mark that lags more days than this is no reason to make days that long past. */
const OLDEST_DAYS = 4;
/** A day that was planned is compared with its source again this often, for late rows: 15 min. */
export const LOOK_AGAIN_MS = 15 * 60_000;

/** Those whose midnight came first are first, and of the same midnight one per tenant in turn. */
export function dueDays<L extends Lane>(
  now: number,
  lanes: readonly L[],
  there: readonly DayAhead[],
): DueDay<L>[] {
  const known = new Map(there.map((day) => [nameOf(day, day.date), day]));
  const due = lanes.flatMap((lane): DueDay<L>[] => {
    const day = newestSettled(lane, now);
    if (!day) return [];
    const before = known.get(nameOf(lane, day.date)) ?? null;
    const rests = before !== null && before.lookedAt + LOOK_AGAIN_MS > now;
    return rests ? [] : [{ lane, day, before }];
  });
  const turns = new Map<string, number>();
  return due
    .map((entry) => {
      const turn = turns.get(entry.lane.tenantId) ?? 0;
      turns.set(entry.lane.tenantId, turn + 1);
      return { entry, turn };
    })
    .sort((a, b) => a.entry.day.end - b.entry.day.end || a.turn - b.turn)
    .map(({ entry }) => entry);
}

/** Null: none of the last days is settled. Today never is. */
export function newestSettled(
  { calendar, completeThrough }: Pick<Lane, 'calendar' | 'completeThrough'>,
  now: number,
): DayWindow | null {
  let day = dayAt(calendar, now);
  for (let back = 1; back <= OLDEST_DAYS; back++) {
    day = dayBefore(calendar, day);
    if (isSettled(day, completeThrough, now)) return day;
  }
  return null;
}

/** A run that came to nothing is tried again after this: 1 h. */
const RETRY_MS = 3_600_000;

/**
 * What to do about a due day, given its rows now: `make` it (again), or only note the `look`.
 */
export function decide(
  { before }: Pick<DueDay, 'before'>,
  rowsKey: string,
  now: number,
): 'make' | 'retry' | 'look' {
  if (before === null || before.rowsKey !== rowsKey) return 'make';
  return before.runState === 'failed' && before.plannedAt + RETRY_MS <= now ? 'retry' : 'look';
}

function nameOf(
  of: { readonly tenantId: string; readonly dataset: string; readonly zone: string | null },
  date: string,
): string {
  return [of.tenantId, of.dataset, of.zone ?? '', date].join('/');
}
