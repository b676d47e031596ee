import { describe, expect, it } from 'vitest';
import { chunkFromRows } from '../../src/reports/chunk.ts';
import { DayRows } from '../../src/reports/day-rows.ts';
import { hourOfDay, hourStart, offsetText } from '../../src/reports/local-hours.ts';
import { calendarOf, daysOf } from '../../src/time/calendar.ts';

const HALF_HOUR = 1_800_000;

/** Each half hour of a day: its hour on the wall and where that hour began. */
function hoursOf(zone: string, date: string) {
  const [day] = daysOf(calendarOf(zone), { from: date, to: date });
  const instants: number[] = [];
  for (let at = day.start; at < day.end; at += HALF_HOUR) instants.push(at);
  const chunk = chunkFromRows(
    [{ name: 'at', type: 'instant' }],
    instants.map((at) => [at]),
  );
  const rows = new DayRows(chunk, day, {});
  const starts = [...hourStart('at')(rows)];
  return {
    hours: [...hourOfDay('at')(rows)],
    starts: starts.map((start) => (start - day.start) / 3_600_000),
    lines: new Set(starts).size,
  };
}

describe('local hours', () => {
  it('of an ordinary day are 24, also where the offset has 45 minutes', () => {
    const { hours, starts, lines } = hoursOf('Asia/Kathmandu', '2025-06-01');
    expect(lines).toBe(24);
    expect(hours.slice(0, 4)).toEqual([0, 0, 1, 1]);
    expect(starts.slice(0, 4)).toEqual([0, 0, 1, 1]);
  });

  it('of a day with 25 hours are 25 lines, two of which the clock shows alike', () => {
    const { hours, lines } = hoursOf('Europe/Vienna', '2025-10-26');
    expect(lines).toBe(25);
    expect(hours.filter((hour) => hour === 2)).toHaveLength(4);
  });

  it('of a day with 23 hours leave out the hour that was skipped', () => {
    const { hours, lines } = hoursOf('Europe/Vienna', '2025-03-30');
    expect(lines).toBe(23);
    expect(hours).not.toContain(2);
  });

  it('that half an hour is put back into begin anew at the change', () => {
    // Lord Howe: at 02:00 the clocks go back to 01:30.
    const { hours, starts } = hoursOf('Australia/Lord_Howe', '2025-04-06');
    expect(hours.slice(0, 7)).toEqual([0, 0, 1, 1, 1, 2, 2]);
    expect(starts.slice(0, 7)).toEqual([0, 0, 1, 1, 2, 2.5, 2.5]);
  });

  it('that half an hour is skipped of begin at the change', () => {
    // At 02:00 the clocks go to 02:30.
    const { hours, starts } = hoursOf('Australia/Lord_Howe', '2025-10-05');
    expect(hours.slice(0, 6)).toEqual([0, 0, 1, 1, 2, 3]);
    expect(starts.slice(0, 6)).toEqual([0, 0, 1, 1, 2, 2.5]);
  });

  it('of a day without midnight begin with its first instant', () => {
    const { hours, starts } = hoursOf('America/Sao_Paulo', '2018-11-04');
    expect([hours[0], starts[0]]).toEqual([1, 0]);
  });
});

it.each([
  [0, '+00:00'],
  [7_200_000, '+02:00'],
  [-12_600_000, '-03:30'],
  [3_208_000, '+00:53:28'],
  [-2_670_000, '-00:44:30'],
])('an offset of %d ms reads %s', (ms, text) => {
  expect(offsetText(ms)).toBe(text);
});
