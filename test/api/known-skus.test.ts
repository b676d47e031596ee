import { afterAll, beforeAll, expect, it } from 'vitest';
import { readKnownSkus } from '../../src/ingest/known-skus.ts';
import { load } from '../ingest/support/load.ts';
import { startApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

it('a tenant that takes known skus only sees what was meant, and accepts it over HTTP', async () => {
  const { server, db, a } = api;
  const headers = api.asA;
  const mug = { title: 'Mug', list_price: '2.50', currency: 'EUR' };
  const put = await server.inject({
    ...{ method: 'PUT', url: '/v1/products/MUG-RED', headers, payload: mug },
  });
  expect(put.statusCode).toBe(200);
  const changed = await server.inject({
    ...{ method: 'PATCH', url: '/v1/ingest/order_lines/settings', headers },
    payload: { known_skus: true },
  });
  expect(changed.json()).toMatchObject({ known_skus: true, mirror_delete_rows: 20 });
  const knownSkus = await db.database.asTenant(a.id, (tx) =>
    readKnownSkus(tx, a.id, 'order_lines'),
  );
  const header = 'order_id,line_no,ordered_at,sku,quantity,unit_price';
  const file = `${header}\no,1,2024-01-01T10:00:00Z,mug_red,1,2.50\n`;
  await load(db.database, a, file, { dataset: 'order_lines', knownSkus });
  const rejects = await server.inject({ url: '/v1/rejects', headers });
  expect(rejects.json().items).toMatchObject([
    { code: 'unknown_sku', field: 'sku', suggestion: 'MUG-RED' },
  ]);
  const csv = await server.inject({ url: '/v1/rejects?format=csv', headers });
  expect(csv.body.split('\r\n')[0]).toBe(`reject_id,reason,suggestion,${header}`);
  const url = '/v1/rejects/retry';
  const kept = await server.inject({ method: 'POST', url, headers });
  expect(kept.json()).toMatchObject({ loaded: 0, rejected: 1 });
  const accepted = await server.inject({
    method: 'POST',
    url: `${url}?suggestions=accept`,
    headers,
  });
  expect(accepted.json()).toMatchObject({ loaded: 1, rejected: 0 });
});
