import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { calendarOf, daysOf, irregularDaysOf } from '../../src/time/calendar.ts';
import { parseCron } from '../../src/time/cron-expression.ts';
import { startOfDay } from '../../src/time/day.ts';
import { instantOfLocal, localTextOf } from '../../src/time/local-time.ts';
import { nextOccurrence } from '../../src/time/recurrence.ts';
import { offsetStretches } from '../../src/time/zone.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { mayDiffer } from './zone-data-differences.ts';

interface DayVectors {
  startOfDay: {
    zone: string;
    date: string;
    expectedHours: number | null;
    expectedStartLocal: string | null;
    startUtc: string;
    nextDayStartUtc: string;
  }[];
  skippedDates: { zone: string; date: string }[];
  disambiguation: { zone: string; local: string; kind: 'gap' | 'overlap'; compatible: string }[];
  transitions: {
    zone: string;
    epochSec: number;
    offsetBeforeMin: number;
    offsetAfterMin: number;
  }[];
}

describe.skipIf(!hasSharedData)('the shared vectors of days', () => {
  const vectors = () =>
    JSON.parse(readFileSync(sharedData('time/day-vectors.json'), 'utf8')) as DayVectors;

  test('days start and end at the listed instants and have the listed lengths', () => {
    const cases = vectors().startOfDay;
    for (const { zone, date, ...expected } of cases) {
      const [day] = daysOf(calendarOf(zone), { from: date, to: date });
      const title = `${zone} ${date}`;
      expect(startOfDay(zone, date), title).toBe(Date.parse(expected.startUtc));
      expect(day.start, title).toBe(Date.parse(expected.startUtc));
      expect(day.end, title).toBe(Date.parse(expected.nextDayStartUtc));
      if (expected.expectedHours !== null) {
        expect((day.end - day.start) / 3_600_000, title).toBe(expected.expectedHours);
      }
      if (expected.expectedStartLocal !== null) {
        const startsAt = localTextOf(zone, day.start).slice(11, 16);
        expect(startsAt, title).toBe(expected.expectedStartLocal);
      }
    }
    expect(cases).toHaveLength(21);
  });

  test('dates that a zone skipped have no start and no day, and are named as irregular', () => {
    for (const { zone, date } of vectors().skippedDates) {
      const period = { from: date, to: date };
      expect(startOfDay(zone, date)).toBeNull();
      expect(daysOf(calendarOf(zone), period)).toEqual([]);
      expect(irregularDaysOf(calendarOf(zone), period)).toEqual([
        { date, zone, hours: 0, startsAt: null },
      ]);
    }
  });

  test('a wall time in an overlap is its first instant; in a gap, the first instant after it', () => {
    for (const { zone, local, kind, compatible } of vectors().disambiguation) {
      const [year, month, day, hour, minute] = local.split(/\D/).map(Number);
      const found = instantOfLocal(zone, { year, month, day, hour, minute, second: 0 });
      expect(found.kind, `${zone} ${local}`).toBe(kind);
      if (kind === 'overlap') expect(found.instant).toBe(Date.parse(compatible));
      // The vectors go as far past the gap as the wall time lies in it; we stop at its end.
      const [, after] = offsetStretches(zone, found.instant - 1, found.instant + 1);
      if (kind === 'gap') expect(after.start).toBe(found.instant);
    }
  });

  test('offsets change at the listed instants', () => {
    for (const { zone, epochSec, offsetBeforeMin, offsetAfterMin } of vectors().transitions) {
      const instant = epochSec * 1000;
      expect(offsetStretches(zone, instant - 1000, instant + 1000), zone).toEqual([
        { start: instant - 1000, end: instant, offsetMs: offsetBeforeMin * 60_000 },
        { start: instant, end: instant + 1000, offsetMs: offsetAfterMin * 60_000 },
      ]);
    }
  });
});

describe.skipIf(!hasSharedData)('the shared list of irregular days', () => {
  test('of its zones, exactly the listed days from 1990 to 2030 are irregular, exactly so', () => {
    const lines = gunzipSync(readFileSync(sharedData('time/irregular-days.csv.gz')))
      .toString('utf8')
      .trim()
      .split('\n')
      .slice(1);
    expect(lines).toHaveLength(7372);
    const isComparable = (line: string) => {
      const [zone, date] = line.split(',');
      return !mayDiffer(zone, Date.parse(date));
    };
    const listed = new Set(lines.filter(isComparable));
    const zones = [...new Set(lines.map((line) => line.split(',')[0]))];
    const found = new Set<string>();
    for (const zone of zones) {
      for (const day of irregularDaysOf(calendarOf(zone), {
        from: '1990-01-01',
        to: '2030-12-31',
      })) {
        const start = startOfDay(zone, day.date);
        const utc = start === null ? '' : new Date(start).toISOString().replace('.000', '');
        const line = `${zone},${day.date},${utc},${day.startsAt ?? ''},${day.hours * 3600}`;
        found.add(`${line},${kindOf(day.startsAt, day.hours)}`);
      }
    }
    expect([...found].filter((line) => isComparable(line) && !listed.has(line))).toEqual([]);
    expect([...listed].filter((line) => !found.has(line))).toEqual([]);
    expect(zones).toHaveLength(150);
  });

  function kindOf(startsAt: string | null, hours: number): string {
    if (startsAt === null) return 'skipped-date';
    if (startsAt !== '00:00:00') return 'midnight-gap';
    return hours < 24 ? 'short' : 'long';
  }
});

describe.skipIf(!hasSharedData)('the shared vectors of cron', () => {
  test('the next occurrence is the listed instant', () => {
    const cases = JSON.parse(readFileSync(sharedData('time/cron-next.json'), 'utf8')) as {
      zone: string;
      expr: string;
      inclusive: boolean;
      fromUtc: string;
      nextUtc: string;
    }[];
    for (const { zone, expr, inclusive, fromUtc, nextUtc } of cases) {
      const next = nextOccurrence(parseCron(expr), zone, Date.parse(fromUtc), { inclusive });
      expect(next?.instant, `${zone} ${expr} ${fromUtc}`).toBe(Date.parse(nextUtc));
    }
    expect(cases.length).toBeGreaterThan(10);
  });
});
