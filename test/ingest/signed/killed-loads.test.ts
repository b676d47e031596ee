import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadWithKills, stateOf } from './support/killed-loader.ts';
import { sendBatches } from './support/overlapping.ts';
import { openReceiver, type Receiver } from './support/receiver.ts';

let killed: Receiver;
let clean: Receiver;
beforeAll(async () => {
  [killed, clean] = await Promise.all([openReceiver(), openReceiver()]);
});
afterAll(() => Promise.all([killed.api.close(), clean.api.close()]));

it('a loader that is killed 5 times leaves what one clean load leaves, to the counters', async () => {
  const some = { batches: 8, rows: 1500 };
  await Promise.all([sendBatches(killed, some), sendBatches(clean, some)]);
  const since = performance.now();
  await clean.loadAll();
  const batchMs = (performance.now() - since) / 8;
  const { database, url } = killed.api.db;
  const kills = await loadWithKills(database, url, { kills: 5, batchMs });
  expect(kills).toBeGreaterThanOrEqual(3);
  expect(await stateOf(killed.api.db.database, killed.api.a.id)).toEqual(
    await stateOf(clean.api.db.database, clean.api.a.id),
  );
});
