import { describe, expect, test } from 'vitest';
import { calendarOf, daysOf } from '../../src/time/calendar.ts';
import { startOfDay } from '../../src/time/day.ts';
import { offsetStretches } from '../../src/time/zone.ts';
import { readTzFile } from './tz-files.ts';
import { mayDiffer } from './zone-data-differences.ts';

const ZONES = Intl.supportedValuesOf('timeZone');
const DAY_MS = 86_400_000;
const period = { from: '1970-01-01', to: '2037-12-31' };

describe('in every zone that Node knows', () => {
  test('the days from 1970 to 2037 touch, are never empty, cover the window and bear ascending dates', () => {
    const broken: string[] = [];
    let days = 0;
    for (const zone of ZONES) {
      const windows = daysOf(calendarOf(zone), period);
      let end = startOfDay(zone, period.from);
      let date = '';
      for (const day of windows) {
        if (day.start !== end || day.end <= day.start || day.date <= date || day.zone !== zone) {
          broken.push(`${zone} ${day.date}`);
        }
        ({ end, date } = day);
      }
      if (end !== startOfDay(zone, '2038-01-01')) broken.push(`${zone} ends at ${end}`);
      days += windows.length;
    }
    expect(broken).toEqual([]);
    // 24,837 dates; Apia, Fakaofo, Enderbury, Kiritimati and Kwajalein crossed the date line.
    expect(days).toBe(ZONES.length * 24_837 - 5);
  });

  test('offsets change exactly when the tz database of Postgres says, from 1900 to 2037', () => {
    const from = Date.UTC(1900, 0, 1);
    const until = Date.UTC(2038, 0, 1);
    const differences: string[] = [];
    const withoutFile: string[] = [];
    let compared = 0;
    for (const zone of ZONES) {
      const file = readTzFile(zone);
      if (file === null) {
        withoutFile.push(zone);
        continue;
      }
      const lastListed = file.goesOn ? (file.changes.at(-1)?.instant ?? from) : until;
      const listed = file.changes.map((c) =>
        show(zone, c.instant, c.offsetBeforeMs, c.offsetAfterMs),
      );
      const stretches = offsetStretches(zone, from, until);
      const found = stretches
        .slice(1)
        .map((s, i) => show(zone, s.start, stretches[i].offsetMs, s.offsetMs));
      const isComparable = (line: string) => {
        const instant = Date.parse(line.split(' ')[1]);
        return instant >= from && instant < until && !mayDiffer(zone, instant);
      };
      const expected = new Set(listed.filter(isComparable));
      compared += expected.size;
      for (const line of found.filter(isComparable)) {
        const isListed = expected.delete(line);
        if (!isListed && Date.parse(line.split(' ')[1]) <= lastListed)
          differences.push(`+ ${line}`);
      }
      differences.push(...[...expected].map((line) => `- ${line}`));
    }
    expect(differences).toEqual([]);
    expect(withoutFile).toEqual([]);
    expect(compared).toBeGreaterThan(17_000);
  });

  test('no two changes of offset lie within the six days that sampling relies on', () => {
    const near: string[] = [];
    for (const zone of ZONES) {
      const changes = readTzFile(zone)?.changes ?? [];
      changes.slice(1).forEach(({ instant }, i) => {
        if (instant - changes[i].instant < 6 * DAY_MS) near.push(`${zone} ${instant}`);
      });
    }
    expect(near).toEqual([]);
  });
});

function show(zone: string, instant: number, before: number, after: number): string {
  return `${zone} ${new Date(instant).toISOString()} ${before / 1000} -> ${after / 1000}`;
}
