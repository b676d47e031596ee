import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Calendar,
  calendarOf,
  dayAt,
  dayOf,
  daysOf,
  irregularDaysOf,
  windowOf,
  zoneOn,
} from '../../src/time/calendar.ts';
import { localDateOf, startOfDay } from '../../src/time/day.ts';
import { addDays } from '../../src/time/day-number.ts';

const utc = Date.parse;
const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const dates = fc.integer({ min: -25_000, max: 40_000 }).map((day) => addDays('1970-01-01', day));

/** Half of them at the ends of the world, where moves swallow dates. */
const farZones = fc.oneof(zones, fc.constantFrom('Etc/GMT+12', 'Etc/GMT-12', 'Pacific/Kiritimati'));

const calendars = fc
  .tuple(
    farZones,
    fc.array(fc.tuple(farZones, fc.integer({ min: 1, max: 5 })), { maxLength: 3 }),
    dates,
  )
  .map(([first, changes, start]): Calendar => {
    let from = start;
    return [
      ...calendarOf(first),
      ...changes.map(([zone, later]) => {
        from = addDays(from, later);
        return { from, zone };
      }),
    ];
  });

describe('the window of a period', () => {
  test('goes from the first day to the last, and is empty where no date exists', () => {
    const apia = calendarOf('Pacific/Apia');
    const end = utc('2011-12-30T10:00:00Z');
    expect(windowOf(apia, { from: '2011-12-29', to: '2011-12-30' })).toEqual({
      start: utc('2011-12-29T10:00:00Z'),
      end,
    });
    expect(windowOf(apia, { from: '2011-12-30', to: '2011-12-30' })).toEqual({ start: end, end });
  });
});

describe('the days of one zone', () => {
  test.each([
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00Z', 23],
    ['Atlantic/Azores', '2020-10-25', '2020-10-25T00:00Z', 25],
    ['America/Havana', '2020-11-01', '2020-11-01T04:00Z', 25],
    ['Australia/Lord_Howe', '2020-04-05', '2020-04-04T13:00Z', 24.5],
    ['Europe/London', '2011-03-27', '2011-03-27T00:00Z', 23],
    ['America/St_Johns', '2010-11-07', '2010-11-07T02:30Z', 25],
    ['Asia/Tokyo', '2024-02-29', '2024-02-28T15:00Z', 24],
  ])('%s %s starts at %s and lasts %d h', (zone, date, start, hours) => {
    const [day] = daysOf(calendarOf(zone), { from: date, to: date });
    expect(day).toEqual({ date, zone, start: utc(start), end: utc(start) + hours * 3_600_000 });
  });

  test('a row in the second yesterday of clocks that went back over midnight belongs to today', () => {
    // St John's, 2010-11-07: at 00:01 the clocks went back to 23:01 of the 6th.
    const again = utc('2010-11-07T02:31:00Z');
    expect(localDateOf('America/St_Johns', again)).toBe('2010-11-06');
    expect(dayOf('America/St_Johns', again).date).toBe('2010-11-07');
  });

  test('Samoa went from the 29th to the 31st of December 2011', () => {
    const days = daysOf(calendarOf('Pacific/Apia'), { from: '2011-12-28', to: '2012-01-01' });
    expect(days.map((day) => day.date)).toEqual([
      '2011-12-28',
      '2011-12-29',
      '2011-12-31',
      '2012-01-01',
    ]);
  });

  test('an instant lies in exactly one day, the one that dayOf tells, also near changes', () => {
    fc.assert(
      fc.property(zones, dates, fc.integer({ min: 0, max: 86_399_999 }), (zone, date, ms) => {
        const instant = utc(date) + ms;
        const period = { from: addDays(date, -3), to: addDays(date, 3) };
        const holding = daysOf(calendarOf(zone), period).filter(
          (day) => day.start <= instant && instant < day.end,
        );
        expect(holding).toEqual([dayOf(zone, instant)]);
      }),
    );
  });
});

describe('a calendar whose zone changes', () => {
  const moved: Calendar = [
    { from: '0001-01-01', zone: 'America/New_York' },
    { from: '2024-06-10', zone: 'Europe/London' },
  ];

  test('the old zone covers all dates before the change, the new one the rest', () => {
    expect(zoneOn(moved, '1999-01-01')).toBe('America/New_York');
    expect(zoneOn(moved, '2024-06-09')).toBe('America/New_York');
    expect(zoneOn(moved, '2024-06-10')).toBe('Europe/London');
  });

  test('the last day of the old zone ends where the first day of the new one starts', () => {
    const period = { from: '2024-06-08', to: '2024-06-11' };
    const days = daysOf(moved, period);
    expect(days.map((day) => (day.end - day.start) / 3_600_000)).toEqual([24, 19, 24, 24]);
    expect(days[2].start).toBe(utc('2024-06-09T23:00Z'));
    expect(irregularDaysOf(moved, period)).toEqual([
      { date: '2024-06-09', zone: 'America/New_York', hours: 19, startsAt: '00:00:00' },
    ]);
  });

  test('moving 26 hours west makes one day of 50 hours', () => {
    const west: Calendar = [
      { from: '0001-01-01', zone: 'Pacific/Kiritimati' },
      { from: '2024-06-10', zone: 'Etc/GMT+12' },
    ];
    const days = daysOf(west, { from: '2024-06-08', to: '2024-06-10' });
    expect(days.map((day) => (day.end - day.start) / 3_600_000)).toEqual([24, 50, 24]);
  });

  test('moving 26 hours east leaves a date without a day, and no other day empty', () => {
    const east: Calendar = [
      { from: '0001-01-01', zone: 'Etc/GMT+12' },
      { from: '2024-06-10', zone: 'Pacific/Kiritimati' },
    ];
    const period = { from: '2024-06-07', to: '2024-06-10' };
    expect(
      daysOf(east, period).map((day) => [day.date, (day.end - day.start) / 3_600_000]),
    ).toEqual([
      ['2024-06-07', 24],
      ['2024-06-08', 22],
      ['2024-06-10', 24],
    ]);
    expect(irregularDaysOf(east, period)).toEqual([
      { date: '2024-06-08', zone: 'Etc/GMT+12', hours: 22, startsAt: '00:00:00' },
      { date: '2024-06-09', zone: 'Etc/GMT+12', hours: 0, startsAt: null },
    ]);
  });

  test('a day before a move ends alike, whether or not the period asks for what comes after it', () => {
    const east: Calendar = [
      { from: '0001-01-01', zone: 'Etc/GMT+12' },
      { from: '2024-06-10', zone: 'Pacific/Kiritimati' },
    ];
    const [alone] = daysOf(east, { from: '2024-06-08', to: '2024-06-08' });
    expect(alone.end).toBe(utc('2024-06-09T10:00Z'));
    expect(daysOf(east, { from: '2024-06-09', to: '2024-06-09' })).toEqual([]);
  });

  test('moving exactly 24 hours east swallows a whole date rather than leave it empty', () => {
    const east: Calendar = [
      { from: '0001-01-01', zone: 'Etc/GMT+12' },
      { from: '2024-06-10', zone: 'Etc/GMT-12' },
    ];
    const days = daysOf(east, { from: '2024-06-07', to: '2024-06-10' });
    expect(days.map((day) => day.date)).toEqual(['2024-06-07', '2024-06-08', '2024-06-10']);
  });

  test('days touch, are never empty, and do not depend on the period that asks for them', () => {
    fc.assert(
      fc.property(
        calendars,
        fc.integer({ min: -9, max: 9 }),
        fc.nat(9),
        (calendar, shift, length) => {
          const change = calendar.at(-1)?.from ?? '';
          const from = addDays(change === '0001-01-01' ? '2000-01-01' : change, shift);
          const to = addDays(from, length);
          const wide = daysOf(calendar, { from: addDays(from, -12), to: addDays(to, 12) });
          wide.forEach((day, i) => {
            expect(day.end).toBeGreaterThan(day.start);
            expect(day.zone).toBe(zoneOn(calendar, day.date));
            expect(day.start).toBe(startOfDay(day.zone, day.date));
            if (i > 0) expect(day.start).toBe(wide[i - 1].end);
            expect(dayAt(calendar, day.start)).toEqual(day);
            expect(dayAt(calendar, day.end - 1)).toEqual(day);
          });
          const narrow = daysOf(calendar, { from, to });
          expect(narrow).toEqual(wide.filter((day) => day.date >= from && day.date <= to));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('days that ended two days before the change are those of the old zone alone', () => {
    fc.assert(
      fc.property(zones, zones, dates, (oldZone, newZone, from) => {
        const calendar: Calendar = [...calendarOf(oldZone), { from, zone: newZone }];
        const period = { from: addDays(from, -20), to: addDays(from, -3) };
        expect(daysOf(calendar, period)).toEqual(daysOf(calendarOf(oldZone), period));
      }),
    );
  });
});
