import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instantOfLocal, localTextOf, type WallTime } from '../../src/time/local-time.ts';
import { offsetMsAt, offsetStretches } from '../../src/time/zone.ts';

const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const anywhere = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2100, 0, 1) });
// Changes are looked for in these years only: to read two hundred would take seconds.
const FROM = Date.UTC(1980, 0, 1);
const UNTIL = Date.UTC(2020, 0, 1);

/** Instants at or within a day of a change of offset, in zones that have any. */
const nearChanges = fc
  .tuple(zones, fc.nat(), fc.integer({ min: -86_400_000, max: 86_400_000 }), fc.boolean())
  .map(([zone, pick, distance, exactly]): [string, number] => {
    const changes = offsetStretches(zone, FROM, UNTIL).slice(1);
    const change = changes[pick % Math.max(changes.length, 1)];
    return [zone, (change?.start ?? 0) + (exactly ? 0 : distance)];
  });

test('a wall time that the clocks show leads back to an instant with that wall time, the first such', () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(zones, anywhere), nearChanges), ([zone, instant]) => {
      const found = instantOfLocal(zone, wallOf(zone, instant));
      expect(found.kind).not.toBe('gap');
      expect(wallOf(zone, found.instant)).toEqual(wallOf(zone, instant));
      expect(found.instant).toBeLessThanOrEqual(instant);
      if (found.kind === 'unique') expect(found.instant).toBe(instant);
    }),
    { numRuns: 1000 },
  );
});

test('a wall time that the clocks jump over becomes the instant of the jump', () => {
  fc.assert(
    fc.property(
      zones,
      fc.nat(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (zone, pick, share) => {
        const stretches = offsetStretches(zone, FROM, UNTIL);
        const jumps = stretches.filter((s, i) => i > 0 && s.offsetMs > stretches[i - 1].offsetMs);
        fc.pre(jumps.length > 0); // zones whose clocks never jumped
        const jump = jumps[pick % jumps.length];
        const before = offsetMsAt(zone, jump.start - 1);
        const skipped = Math.floor(share * (jump.offsetMs - before - 1));
        const wall = fieldsOf(jump.start + before + skipped);
        expect(instantOfLocal(zone, wall)).toEqual({ instant: jump.start, kind: 'gap' });
      },
    ),
    { numRuns: 500 },
  );
});

test('the text of a wall time has the year in four digits, also in the year 1', () => {
  expect(localTextOf('UTC', Date.parse('0001-01-02T03:04:05.678Z'))).toBe('0001-01-02 03:04:05');
  expect(localTextOf('Asia/Kolkata', Date.parse('2024-12-31T18:30:00Z'))).toBe(
    '2025-01-01 00:00:00',
  );
});

test('years before 100 are not taken for 19xx', () => {
  const wall = { year: 24, month: 2, day: 29, hour: 12, minute: 0, second: 0 };
  expect(instantOfLocal('UTC', wall).instant).toBe(Date.parse('0024-02-29T12:00:00Z'));
});

function wallOf(zone: string, instant: number): WallTime {
  return fieldsOf(instant + offsetMsAt(zone, instant));
}

function fieldsOf(wallMs: number): WallTime {
  const date = new Date(wallMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    ms: date.getUTCMilliseconds(),
  };
}
