import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { offsetMsAt, offsetStretches, parseZone } from '../../src/time/zone.ts';

const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const instants = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2100, 0, 1) });
const HOUR_MS = 3_600_000;

describe('a zone name', () => {
  test.each([
    ['Europe/London', 'Europe/London'],
    ['europe/LONDON', 'Europe/London'],
    ['UTC', 'UTC'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['US/Eastern', 'US/Eastern'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['EST5EDT', 'EST5EDT'],
  ])('%s is the zone %s', (name, zone) => {
    expect(parseZone(name)).toBe(zone);
  });

  test.each([
    '',
    ' ',
    'Mars/Olympus',
    '+02:00',
    '-0300',
    'GMT+1',
    'PST',
    'SystemV/PST8PDT',
    'Europe/London ',
    '../../etc/passwd',
    'Europe/London\0',
    'x'.repeat(100),
  ])('%j is refused by an error that says where, and shows at most 64 characters of it', (name) => {
    expect(() => parseZone(name, 'zone of the tenant')).toThrow(
      expect.objectContaining({
        code: 'E_UNKNOWN_ZONE',
        details: { where: 'zone of the tenant', got: JSON.stringify(name.slice(0, 64)) },
      }),
    );
  });

  test('every zone that Node lists is one, spelled as listed', () => {
    const listed = Intl.supportedValuesOf('timeZone');
    expect(listed.map((zone) => parseZone(zone))).toEqual(listed);
  });
});

describe('offsets', () => {
  test.each([
    ['Europe/Vienna', '1890-01-01', 3921],
    ['Africa/Monrovia', '1960-01-01', -2670],
    ['Asia/Tokyo', '1800-01-01', 33_539],
    ['America/Juneau', '0001-01-01', 54_139],
    ['Asia/Kathmandu', '2020-01-01', 20_700],
  ])('%s keeps local mean time to the second: %s is %d s east', (zone, date, seconds) => {
    expect(offsetMsAt(zone, Date.parse(date)) / 1000).toBe(seconds);
  });

  test('summer time goes on beyond the year 9999', () => {
    expect(offsetMsAt('Europe/Berlin', Date.UTC(9999, 6, 1))).toBe(2 * HOUR_MS);
    expect(offsetMsAt('Europe/Berlin', Date.UTC(12_000, 0, 1))).toBe(HOUR_MS);
  });

  test('stretches cover a window exactly, touch, alternate, and tell what single look-ups tell', () => {
    fc.assert(
      fc.property(zones, instants, fc.integer({ min: 1, max: 3 * 366 }), (zone, start, days) => {
        const end = start + days * 24 * HOUR_MS + 1;
        const stretches = offsetStretches(zone, start, end);
        expect(stretches[0].start).toBe(start);
        expect(stretches.at(-1)?.end).toBe(end);
        stretches.forEach((stretch, i) => {
          expect(stretch.end).toBeGreaterThan(stretch.start);
          expect(offsetMsAt(zone, stretch.start)).toBe(stretch.offsetMs);
          expect(offsetMsAt(zone, stretch.end - 1)).toBe(stretch.offsetMs);
          if (i === 0) return;
          expect(stretch.start).toBe(stretches[i - 1].end);
          expect(stretch.offsetMs).not.toBe(stretches[i - 1].offsetMs);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('an empty window has no stretches', () => {
    expect(offsetStretches('Europe/London', 5, 5)).toEqual([]);
  });
});
