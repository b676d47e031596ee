import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstWallFrom } from '../../src/time/first-wall.ts';
import { instantOfWall } from '../../src/time/local-time.ts';

const ZONES = [
  ...['Europe/Lisbon', 'America/Sao_Paulo', 'America/Havana', 'Pacific/Apia', 'Africa/Cairo'],
  ...['Australia/Lord_Howe', 'Asia/Kolkata', 'Atlantic/Azores', 'UTC', 'America/New_York'],
];
/** Changes of the clocks, and a day without any. */
const NEAR = [
  ...['2018-11-04T03:00:00Z', '2011-12-30T10:00:00Z', '2024-03-31T01:00:00Z'],
  ...['2024-10-27T01:00:00Z', '2024-04-07T15:00:00Z', '2024-10-06T15:30:00Z'],
  ...[
    '2024-11-03T05:00:00Z',
    '2024-03-10T07:00:00Z',
    '2026-04-23T22:00:00Z',
    '2026-01-15T00:00:00Z',
  ],
].map((text) => Date.parse(text));
const QUARTER_MS = 900_000;

describe('the first wall time from an instant', () => {
  it('parts wall times into those before the instant and those from it on, at any change of clocks', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom(...NEAR),
        fc.integer({ min: -200, max: 200 }),
        fc.integer({ min: -200, max: 200 }),
        fc.constantFrom(-1, 0, 1),
        (zone, near, quartersToInstant, quartersToWall, extraMs) => {
          const instant = near + quartersToInstant * QUARTER_MS;
          const wall = near + quartersToWall * QUARTER_MS + extraMs;
          expect(wall >= firstWallFrom(zone, instant)).toBe(
            instantOfWall(zone, wall).instant >= instant,
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('is the instant itself, shifted, where no clock changes', () => {
    const instant = Date.parse('2026-01-15T12:00:00Z');
    expect(firstWallFrom('America/New_York', instant)).toBe(instant - 5 * 3_600_000);
  });
});
