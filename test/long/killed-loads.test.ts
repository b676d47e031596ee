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
  await Promise.all([sendBatches(killed, BATCHES, 1500), sendBatches(clean, BATCHES, 1500)]);
  const since = performance.now();
  // A pass that takes long leaves the rest to the next.
  for (let left = true; left; ) left = ((await clean.loadAll())?.batches ?? 0) > 0;
  const batchMs = (performance.now() - since) / BATCHES;
  const { database, url } = killed.api.db;
  const kills = await loadWithKills(database, url, { kills: KILLS, batchMs });
  expect(kills).toBeGreaterThan(KILLS * 0.9);
  expect(await stateOf(killed.api.db.database, killed.api.a.id)).toEqual(
    await stateOf(clean.api.db.database, clean.api.a.id),
  );
});
