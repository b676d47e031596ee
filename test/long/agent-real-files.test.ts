import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadQueued } from '../../src/scheduler/ingest/load-queued.ts';
import { configFor, onceWith, temporaryFolder } from '../agent/support/agents.ts';
import { type CuttingNetwork, cuttingNetwork } from '../agent/support/cutting-network.ts';
import { callFigures, refusedRows, salesByMonth } from '../agent/support/figures.ts';
import { keyFor, startApi, type TestApi } from '../api/support.ts';
import { addTestTenant, type TestTenant } from '../support/database.ts';
import { BANK, BANK_MONTHS, SHOP } from '../support/real-figures.ts';
import { docsMap } from '../support/real-loads.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';

/** All real files, pushed by the agent to the real ingest route, and loaded as the runner does. */

const CUTS = 50;

let api: TestApi;
let network: CuttingNetwork;
let state: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  api = await startApi();
  await api.server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.server.address() as AddressInfo;
  network = await cuttingNetwork(`http://127.0.0.1:${port}`, { each: 3, most: CUTS });
  state = temporaryFolder();
});
afterAll(async () => {
  state.remove();
  await network.close();
  await api.close();
});

describe.skipIf(!hasSharedData)('real files, the network cut 50 times', () => {
  it('both months and the sales arrive with the published figures, every row once', async () => {
    const { database } = api.db;
    const bank = await addTestTenant(database, { name: 'bank', zone: BANK.zone });
    const shop = await addTestTenant(database, { name: 'shop', zone: SHOP.zone });
    const [bankKey, shopKey] = [await ingestKey(bank), await ingestKey(shop)];
    const common = { type: 'files', settle_seconds: 0, key: { env: 'SHOP' } };
    const config = configFor(
      { url: network.url, keyId: bankKey.id, key: bankKey.secret },
      state.path,
      [
        {
          ...{ ...common, name: 'bank', dataset: 'calls', map: docsMap(BANK.map), key: undefined },
          ...{ folder: sharedData('calls'), pattern: 'anonymousbank-*.tsv.gz' },
        },
        {
          ...{ ...common, name: 'shop', dataset: 'order_lines', map: docsMap(SHOP.map) },
          ...{ folder: sharedData('sales'), pattern: '*.csv.gz', key_id: shopKey.id },
        },
      ].map((source) => JSON.parse(JSON.stringify(source))),
      { limits: { batch_rows: 2_000 }, secrets: { SHOP: shopKey.secret } },
    );
    const startedMs = performance.now();
    expect(await onceWith(config, { signal: AbortSignal.timeout(600_000) })).toMatchObject([
      { source: 'bank', error: null, waiting: 0, taken: 31_599 + 34_625, refused: 2 },
      { source: 'shop', error: null, waiting: 0, taken: SHOP.rows, refused: 0 },
    ]);
    const sentMs = performance.now() - startedMs;
    expect(network.cuts.before + network.cuts.midway + network.cuts.after).toBe(CUTS);
    const signal = AbortSignal.timeout(600_000);
    const done = await loadQueued({ database, holder: 'test' }, signal);
    expect(done).toMatchObject({ rows: 31_599 + 34_623 + SHOP.rows, rejected: 2, setbacks: [] });
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    console.info(`sent in ${seconds(sentMs)} s, with ${JSON.stringify(network.cuts)}`);

    const totals = await database.asSystem((tx) =>
      tx.query<{ loaded: number; other: number }>(
        `select sum(loaded)::int as loaded, sum(updated + unchanged + superseded)::int as other
         from daybook.ingest_batches`,
      ),
    );
    const calls = BANK_MONTHS[0].figures.rows + BANK_MONTHS[1].figures.rows;
    expect(totals).toEqual([{ loaded: calls + SHOP.rows, other: 0 }]);
    for (const { from, to, figures } of BANK_MONTHS) {
      expect(await callFigures(database, bank, from, to)).toEqual(figures);
    }
    expect(await salesByMonth(database, shop)).toEqual(SHOP.netByMonth);
    expect((await refusedRows(database, bank)).map(({ reason }) => reason)).toEqual(
      Array(2).fill('the row has 16 fields; expected 17'),
    );
  });
});

async function ingestKey(tenant: TestTenant): Promise<{ id: string; secret: string }> {
  const headers = await keyFor(api.db, tenant.id, ['admin']);
  const payload = { name: 'agent' };
  const url = '/v1/ingest/keys';
  const answer = await api.server.inject({ method: 'POST', url, headers, payload });
  if (answer.statusCode !== 201) throw new Error(answer.body);
  return answer.json();
}
