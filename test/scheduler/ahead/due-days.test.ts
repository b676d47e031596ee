import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GRACE_MS } from '../../../src/reports/settled.ts';
import {
  decide,
  dueDays,
  type Lane,
  LOOK_AGAIN_MS,
  newestSettled,
} from '../../../src/scheduler/ahead/due-days.ts';
import type { DayAhead } from '../../../src/store/days-ahead.ts';
import { type Calendar, calendarOf, daysOf } from '../../../src/time/calendar.ts';
import { addDays, DAY_MS, dateOf } from '../../../src/time/day-number.ts';

const HOUR = 3_600_000;
const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC');
/** A calendar, and a date near which it may change. */
const calendars = fc
  .tuple(
    zones,
    fc.option(zones),
    fc.integer({ min: 0, max: 30_000 }),
    fc.integer({ min: 2, max: 5 }),
  )
  .map(([zone, next, start, after]): { calendar: Calendar; from: string } => {
    const from = dateOf(start);
    const change = next === null ? [] : [{ from: addDays(from, after), zone: next }];
    return { calendar: [...calendarOf(zone), ...change], from };
  });

const lane = (calendar: Calendar, over: Partial<Lane> = {}): Lane => ({
  tenantId: 't',
  dataset: 'calls',
  zone: null,
  calendar,
  completeThrough: null,
  ...over,
});

/** What a pass leaves of a day. */
const left = (of: Lane, date: string, now: number): DayAhead => ({
  ...{ tenantId: of.tenantId, dataset: of.dataset, zone: of.zone, date },
  ...{ rowsKey: 'k', forms: [], plannedAt: now, lookedAt: now, runId: 'r', runState: 'done' },
});

describe('passes through any week of any zone, changes of zone included', () => {
  it('make each day once, never today, never before its grace is over', () => {
    fc.assert(
      fc.property(
        calendars,
        fc.array(fc.integer({ min: 20, max: 50 }), { minLength: 8, maxLength: 20 }),
        (of, gaps) => {
          const week = daysOf(of.calendar, { from: of.from, to: addDays(of.from, 8) });
          const own = lane(of.calendar);
          const made: string[] = [];
          let there: DayAhead[] = [];
          const begin = week[0].end + GRACE_MS;
          let now = begin;
          for (let i = 0; now < week[week.length - 1].end; i++) {
            for (const { day, before } of dueDays(now, [own], there)) {
              expect(day.end + GRACE_MS).toBeLessThanOrEqual(now);
              if (before === null) made.push(day.date);
              there = [...there.filter(({ date }) => date !== day.date), left(own, day.date, now)];
            }
            // A pass now and then, up to 50 minutes apart.
            now += gaps[i % gaps.length] * 60_000;
          }
          const last = now;
          const expected = week.filter(({ end }) => end >= week[0].end && end + GRACE_MS <= last);
          // Days shorter than the pauses between passes may be passed over; all others are made.
          const long = expected.filter(({ start, end }) => end - start > HOUR);
          expect(made).toEqual([...new Set(made)]);
          for (const { date } of long.slice(0, -1)) expect(made).toContain(date);
          for (const date of made) expect(expected.map((day) => day.date)).toContain(date);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('with a mark make exactly the newest day that the mark has passed', () => {
    fc.assert(
      fc.property(calendars, fc.integer({ min: 0, max: 48 }), (of, lagHours) => {
        const [, , , , day] = daysOf(of.calendar, { from: of.from, to: addDays(of.from, 8) });
        const now = day.start + (day.end - day.start) / 2;
        const completeThrough = now - lagHours * HOUR;
        const found = newestSettled({ calendar: of.calendar, completeThrough }, now);
        expect(found?.end ?? Number.NaN).toBeLessThanOrEqual(completeThrough);
        const later = daysOf(of.calendar, { from: addDays(of.from, -8), to: addDays(of.from, 8) });
        const settled = later.filter(({ end }) => end <= completeThrough && end <= now);
        expect(found).toEqual(settled.at(-1));
      }),
    );
  });
});

describe('a pass', () => {
  const now = Date.UTC(2026, 2, 11, 12);
  const utc = calendarOf('UTC');

  it('lets a day rest that was looked at, and then looks again', () => {
    const own = lane(utc);
    const there = [left(own, '2026-03-10', now)];
    expect(dueDays(now + LOOK_AGAIN_MS - 1, [own], there)).toEqual([]);
    expect(dueDays(now + LOOK_AGAIN_MS, [own], there)).toMatchObject([{ before: there[0] }]);
    expect(dueDays(now + DAY_MS, [own], there)).toMatchObject([
      { day: { date: '2026-03-11' }, before: null },
    ]);
  });

  it('takes one lane of each tenant before the second of any', () => {
    const many = ['UTC', 'Etc/UTC', 'Etc/GMT'].map((zone) => lane(utc, { zone, tenantId: 'many' }));
    const order = dueDays(now, [...many, lane(utc, { tenantId: 'few' })], []);
    expect(order.map((due) => due.lane.tenantId)).toEqual(['many', 'few', 'many', 'many']);
  });

  it('never makes days again that lie four days back, however old the mark is', () => {
    const completeThrough = now - 10 * DAY_MS;
    expect(dueDays(now, [lane(utc, { completeThrough })], [])).toEqual([]);
  });

  it('makes what is new or has other rows, and what failed after an hour', () => {
    const before = left(lane(utc), '2026-03-10', now);
    const failed: DayAhead = { ...before, runState: 'failed' };
    expect(decide({ before: null }, 'k', now)).toBe('make');
    expect(decide({ before }, 'other', now)).toBe('make');
    expect(decide({ before }, 'k', now + 2 * HOUR)).toBe('look');
    expect(decide({ before: failed }, 'k', now + HOUR - 1)).toBe('look');
    expect(decide({ before: failed }, 'k', now + HOUR)).toBe('retry');
    expect(decide({ before: { ...before, runState: 'cancelled' } }, 'k', now + DAY_MS)).toBe(
      'look',
    );
  });
});
