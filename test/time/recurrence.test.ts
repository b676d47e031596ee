import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarOf, daysOf } from '../../src/time/calendar.ts';
import { parseCron } from '../../src/time/cron-expression.ts';
import { nextNominal, nextOccurrence } from '../../src/time/recurrence.ts';

const utc = Date.parse;
const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const next = (cron: string, zone: string, after: string, inclusive = false) =>
  nextOccurrence(parseCron(cron), zone, utc(after), { inclusive });

describe('a cron expression', () => {
  test.each([
    ['*/20 * * * *', '2024-01-01T00:00Z', '2024-01-01T00:20Z'],
    ['5/30 * * * *', '2024-01-01T00:05Z', '2024-01-01T00:35Z'],
    ['0 9-17/4 * * mon-fri', '2024-01-05T17:00Z', '2024-01-08T09:00Z'],
    ['0 0 * jan,JUL *', '2024-01-31T00:00Z', '2024-07-01T00:00Z'],
    ['0 0 * * 7', '2024-01-01T00:00Z', '2024-01-07T00:00Z'],
    ['0 0 * * 0', '2024-01-01T00:00Z', '2024-01-07T00:00Z'],
    ['0 0 13 * fri', '2024-01-01T00:00Z', '2024-01-05T00:00Z'],
    ['0 0 13 * fri', '2024-01-12T00:00Z', '2024-01-13T00:00Z'],
    ['0 0 29 2 *', '2096-03-01T00:00Z', '2104-02-29T00:00Z'],
  ])('%s after %s comes at %s', (cron, after, expected) => {
    expect(next(cron, 'UTC', after)?.instant).toBe(utc(expected));
  });

  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '*/ * * * *',
    '1,,2 * * * *',
    '1-2-3 * * * *',
    '-1 * * * *',
    '1e1 * * * *',
    '* * L * *',
    '@daily',
    '0 0 30 2 *',
    '0 0 31 4,6,9,11 *',
    `${'1,'.repeat(100)}1 * * * *`,
  ])('%j is refused', (text) => {
    expect(() => parseCron(text, 'cron')).toThrow(expect.objectContaining({ code: 'E_INVALID' }));
  });
});

describe('where clocks change', () => {
  test('a time in a gap comes at the first instant after it, once', () => {
    const first = next('30 0 * * *', 'America/Sao_Paulo', '2018-11-03T12:00Z');
    expect(first).toEqual({ nominal: '2018-11-04 00:30', instant: utc('2018-11-04T03:00Z') });
    expect(next('30 0 * * *', 'America/Sao_Paulo', '2018-11-04T03:00Z', true)).toEqual(first);
    expect(next('30 0 * * *', 'America/Sao_Paulo', '2018-11-04T03:00Z')?.nominal).toBe(
      '2018-11-05 00:30',
    );
  });

  test('a time that comes twice comes the first time only', () => {
    const cron = '30 1 * * *';
    const first = next(cron, 'America/New_York', '2025-11-01T12:00Z');
    expect(first).toEqual({ nominal: '2025-11-02 01:30', instant: utc('2025-11-02T05:30Z') });
    expect(next(cron, 'America/New_York', '2025-11-02T05:30Z')?.nominal).toBe('2025-11-03 01:30');
    expect(next(cron, 'America/New_York', '2025-11-02T06:15Z')?.nominal).toBe('2025-11-03 01:30');
  });

  test('a date that does not exist has no occurrence', () => {
    expect(next('0 8 * * *', 'Pacific/Apia', '2011-12-29T19:00Z')?.nominal).toBe(
      '2011-12-31 08:00',
    );
  });

  test('a daily schedule has each existing date exactly once, in every zone, from 1970 to 2037', () => {
    const anyDay = fc.integer({ min: 0, max: 24_700 }).map((day) => day * 86_400_000);
    fc.assert(
      fc.property(zones, anyDay, fc.nat(23), fc.nat(59), (zone, start, hour, minute) => {
        const cron = parseCron(`${minute} ${hour} * * *`);
        const from = new Date(start).toISOString().slice(0, 10);
        const to = new Date(start + 60 * 86_400_000).toISOString().slice(0, 10);
        const found: string[] = [];
        let at = nextNominal(cron, zone, `${from} 00:00`);
        if (hour === 0 && minute === 0) found.push(from);
        for (
          ;
          at !== null && at.nominal.slice(0, 10) <= to;
          at = nextNominal(cron, zone, at.nominal)
        ) {
          found.push(at.nominal.slice(0, 10));
        }
        const existing = daysOf(calendarOf(zone), { from, to }).map((day) => day.date);
        if (hour !== 0 || minute !== 0) expect(found).toEqual(existing);
        else expect(found.slice(1)).toEqual(existing.slice(existing[0] === from ? 1 : 0));
      }),
    );
  });

  test('walking by instants and walking by nominal times find the same instants', () => {
    const starts = fc.integer({ min: utc('1970-01-01'), max: utc('2037-01-01') });
    fc.assert(
      fc.property(zones, starts, (zone, start) => {
        const cron = parseCron('*/30 * * * *');
        const byNominal = new Set<number>();
        let occurrence = nextOccurrence(cron, zone, start);
        const first = occurrence?.instant ?? 0;
        const until = first + 40 * 3_600_000;
        for (; occurrence !== null && occurrence.instant <= until; ) {
          byNominal.add(occurrence.instant);
          occurrence = nextNominal(cron, zone, occurrence.nominal);
        }
        const byInstant = [first];
        for (;;) {
          const following = nextOccurrence(cron, zone, byInstant.at(-1) ?? 0);
          if (following === null || following.instant > until) break;
          byInstant.push(following.instant);
        }
        expect(byInstant).toEqual([...byNominal]);
      }),
    );
  });
});
