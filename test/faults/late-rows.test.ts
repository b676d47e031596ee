import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { load } from '../ingest/support/load.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { filesBelow } from './support/daybook.ts';

/** Rows that come after their day was exported. It is noon for the tenant, whenever this runs. */

const now = new Date();
const hoursAhead = 12 - now.getUTCHours();
const zone = `Etc/GMT${hoursAhead > 0 ? '-' : '+'}${Math.abs(hoursAhead)}`;
const dateOf = (daysAgo: number) =>
  new Date(now.getTime() + hoursAhead * 3_600_000 - daysAgo * 86_400_000)
    .toISOString()
    .slice(0, 10);
const [TODAY, ...PAST] = [0, 1, 2, 3].map(dateOf);

let test: TestDatabase;
let engine: TestEngine;
let acme: TestTenant;
let home: string;
beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  acme = await addTestTenant(test.database, { name: 'acme', zone });
  engine = startEngine({ database: test.database, home });
  await addCalls([TODAY, ...PAST], 'first');
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
});

/** Shortly after the local midnight of each date, which has passed also today. */
async function addCalls(dates: readonly string[], mark: string): Promise<void> {
  const lines = dates.map((date) => {
    const at = new Date(Date.parse(`${date}T00:30:00Z`) - hoursAhead * 3_600_000);
    const end = new Date(at.getTime() + 60_000);
    return `${mark}-${date},${at.toISOString()},${end.toISOString()},answered`;
  });
  await load(
    test.database,
    acme,
    `external_id,started_at,ended_at,disposition\n${lines.join('\n')}\n`,
  );
}

async function exported() {
  const period = { from: PAST[2], to: TODAY };
  const { bytes, run } = await engine.export(acme.id, {
    ...{ report: 'calls', ...period, format: 'csv' },
    columns: ['external_id'],
    headers: 'keys',
  });
  return { ids: bytes.toString().trim().split('\r\n').slice(1), cached: run.daysCached };
}

/** Every part that is kept: when it was written, and of which date it is. */
async function parts(): Promise<Map<string, { date: string; written: number }>> {
  const rows = await test.database.asTenant(acme.id, (tx) =>
    tx.query<{ key: string; date: string }>(
      'select key, local_date::text as date from daybook.parts',
    ),
  );
  const files = filesBelow(home).filter((name) => name.startsWith('parts/'));
  return new Map(
    rows.map(({ key, date }) => {
      const file = files.find((name) => name.includes(key)) as string;
      return [key, { date, written: statSync(join(home, file)).mtimeMs }];
    }),
  );
}

it('today is never kept as a part, and each export reads it anew', async () => {
  expect(await exported()).toEqual({
    ids: [...PAST]
      .reverse()
      .concat(TODAY)
      .map((date) => `first-${date}`),
    cached: 0,
  });
  await addCalls([TODAY], 'now');
  const second = await exported();
  expect(second.cached).toBe(PAST.length);
  expect(second.ids.slice(-2)).toEqual([`first-${TODAY}`, `now-${TODAY}`]);
  const dates = new Set([...(await parts()).values()].map(({ date }) => date));
  expect([...dates].sort()).toEqual([...PAST].sort());
});

it('a late row is in the next export; the parts of its day are made again, and no others', async () => {
  const before = await parts();
  const earlier = await exported();
  await addCalls([PAST[1]], 'late');
  const later = await exported();
  expect(later.cached).toBe(PAST.length - 1);
  expect(later.ids.filter((id) => !earlier.ids.includes(id))).toEqual([`late-${PAST[1]}`]);
  const after = await parts();
  const made = [...after].filter(([key]) => !before.has(key));
  expect(new Set(made.map(([, { date }]) => date))).toEqual(new Set([PAST[1]]));
  for (const [key, part] of before) {
    if (part.date !== PAST[1]) expect(after.get(key)).toEqual(part);
  }
});
