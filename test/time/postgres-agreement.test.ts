import { afterAll, beforeAll, expect, test } from 'vitest';
import { localDateOf } from '../../src/time/day.ts';
import { localTextOf } from '../../src/time/local-time.ts';
import { offsetStretches } from '../../src/time/zone.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { mayDiffer } from './zone-data-differences.ts';

/** Zones that Node knows and Postgres does not. */
const UNKNOWN_TO_POSTGRES: readonly string[] = [];

const FROM = Date.UTC(1970, 0, 1);
const UNTIL = Date.UTC(2038, 0, 1);
const PAIRS_PER_ZONE = 100;

let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await freshDatabase();
});
afterAll(() => postgres.drop());

test('Postgres gives the same local date and time for 40,000 sampled pairs of zone and instant', async () => {
  const zones = Intl.supportedValuesOf('timeZone').filter((z) => !UNKNOWN_TO_POSTGRES.includes(z));
  const next = seededRandom(20_181_104);
  const pairs = zones.flatMap((zone) => sampleInstants(zone, next).map((at) => ({ zone, at })));
  const rows = await postgres.database.asSystem((tx) =>
    tx.query<{ date: string; wall: string }>(
      `select (to_timestamp(at / 1000.0) at time zone zone)::date::text as date,
              to_char(to_timestamp(at / 1000.0) at time zone zone, 'YYYY-MM-DD HH24:MI:SS') as wall
         from unnest($1::text[], $2::float8[]) with ordinality as sample(zone, at, place)
        order by place`,
      [pairs.map((pair) => pair.zone), pairs.map((pair) => pair.at)],
    ),
  );
  const differences: string[] = [];
  let compared = 0;
  pairs.forEach(({ zone, at }, i) => {
    if (mayDiffer(zone, at)) return;
    compared++;
    if (localDateOf(zone, at) !== rows[i].date || localTextOf(zone, at) !== rows[i].wall) {
      differences.push(`${zone} ${at}: ${localTextOf(zone, at)}, Postgres ${rows[i].wall}`);
    }
  });
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(40_000);
});

test('Postgres knows every zone that Node lists, but for the listed ones', async () => {
  const rows = await postgres.database.asSystem((tx) =>
    tx.query<{ name: string }>('select name from pg_timezone_names'),
  );
  const known = new Set(rows.map((row) => row.name));
  const unknown = Intl.supportedValuesOf('timeZone').filter((zone) => !known.has(zone));
  expect(unknown).toEqual(UNKNOWN_TO_POSTGRES);
});

/** Half anywhere; half within a minute, an hour or a day of a change or of a local midnight. */
function sampleInstants(zone: string, next: () => number): number[] {
  const changes = offsetStretches(zone, FROM, UNTIL).slice(1);
  return Array.from({ length: PAIRS_PER_ZONE }, (_, i) => {
    const anywhere = Math.floor(FROM + next() * (UNTIL - FROM));
    if (i % 2 === 0) return anywhere;
    const change = changes[Math.floor(next() * changes.length)];
    const reach = [60_000, 3_600_000, 86_400_000][Math.floor(next() * 3)];
    const near = change === undefined || next() < 0.2 ? midnightNear(zone, anywhere) : change.start;
    return Math.floor(near + (next() * 2 - 1) * reach);
  });
}

function midnightNear(zone: string, instant: number): number {
  return (
    instant -
    Math.floor(Date.parse(`${localTextOf(zone, instant).replace(' ', 'T')}Z`) % 86_400_000)
  );
}

/** mulberry32: the same samples every time. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
