import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadWithKills, stateOf } from '../ingest/signed/support/killed-loader.ts';
import { sendBatches } from '../ingest/signed/support/overlapping.ts';
import { openReceiver, type Receiver } from '../ingest/signed/support/receiver.ts';

const SHORT = process.env.DAYBOOK_LONG === 'short';
const KILLS = SHORT ? 20 : 200;
const BATCHES = SHORT ? 30 : 250;

let killed: Receiver;
let clean: Receiver;
beforeAll(async () => {
  [killed, clean] = await Promise.all([openReceiver(), openReceiver()]);
});
afterAll(() => Promise.all([killed.api.close(), clean.api.close()]));

it(`after ${KILLS} SIGKILLs counts, sums and changed hours equal one clean load`, async () => {
  const { database, url } = killed.api.db;
  let kills = 0;
  // As many rounds as it takes: the faster batches load, the more of them pass between two kills.
  for (let from = 0; kills < KILLS; from += BATCHES) {
    const round = { from, batches: BATCHES, rows: 1500 };
    await Promise.all([sendBatches(killed, round), sendBatches(clean, round)]);
    const since = performance.now();
    // A pass that takes long leaves the rest to the next.
    for (let left = true; left; ) left = ((await clean.loadAll())?.batches ?? 0) > 0;
    const batchMs = (performance.now() - since) / BATCHES;
    const here = await loadWithKills(database, url, { kills: KILLS - kills, batchMs });
    expect(here).toBeGreaterThan(0);
    kills += here;
  }
  expect(await stateOf(killed.api.db.database, killed.api.a.id)).toEqual(
    await stateOf(clean.api.db.database, clean.api.a.id),
  );
});
