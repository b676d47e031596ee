import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKey } from '../../src/store/api-keys.ts';
import { deleteExpiredSnapshots } from '../../src/store/snapshots.ts';
import { callRow, ndjson } from '../ingest/mirror/support/snapshots.ts';
import { startApi, type TestApi } from './support.ts';

let api: TestApi;
let asLoader: { authorization: string };
beforeAll(async () => {
  api = await startApi();
  asLoader = await api.db.database.asSystem(async (tx) => {
    const { a } = api;
    const key = { tenantId: a.id, name: 'loader', scopes: ['load' as const], createdBy: 'test' };
    return { authorization: `Bearer ${(await createApiKey(tx, key)).token}` };
  });
});
afterAll(() => api.close());

const BASE = '/v1/ingest/calls/mirror';
const rows = Array.from({ length: 40 }, (_, i) => callRow(`c${i}`, i));

async function ask(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  payload?: object | Buffer,
  headers: Record<string, string> = asLoader,
) {
  const answer = await api.server.inject({
    method,
    url,
    headers: {
      ...headers,
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    },
    payload,
  });
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
}

async function begin(body: object = {}): Promise<string> {
  const begun = await ask('POST', BASE, body);
  expect(begun.status).toBe(201);
  return begun.body.id;
}

const send = (id: string, part: number, of: readonly object[]) =>
  ask('POST', `${BASE}/${id}/rows?part=${part}`, of as object);

describe('a mirror over HTTP', () => {
  it('is begun, sent in parts, plain and compressed, and committed once', async () => {
    const id = await begin({ source: 'hub' });
    expect((await send(id, 1, rows.slice(20))).body).toMatchObject({ parts: 1, rows: 20 });
    const packed = gzipSync(ndjson(rows.slice(0, 20)));
    for (let i = 0; i < 2; i++) {
      const answer = await api.server.inject({
        method: 'POST',
        url: `${BASE}/${id}/rows?part=0`,
        headers: {
          ...asLoader,
          'content-type': 'application/x-ndjson',
          'content-encoding': 'gzip',
        },
        payload: packed,
      });
      expect(answer.json()).toMatchObject({ parts: 2, rows: 40 });
    }
    expect(await send(id, 0, rows.slice(0, 1))).toMatchObject({
      status: 409,
      body: { code: 'E_CONFLICT' },
    });
    const wanted = { rows: 40, complete_through: '2024-02-01T00:00:00Z' };
    const done = await ask('POST', `${BASE}/${id}/commit`, wanted);
    expect(done).toMatchObject({
      status: 200,
      body: { loaded: 40, removed: 0, complete_through: '2024-02-01T00:00:00.000Z' },
    });
    expect(await ask('POST', `${BASE}/${id}/commit`, wanted)).toEqual(done);
    expect(await send(id, 2, rows)).toMatchObject({ status: 409 });
  });

  it('that would delete too much says so with numbers; leave to do it is not the loader’s', async () => {
    const id = await begin();
    await send(id, 0, rows.slice(0, 10));
    const refused = await ask('POST', `${BASE}/${id}/commit`, { rows: 10 });
    expect(refused).toMatchObject({ status: 409, body: { code: 'E_MIRROR_REFUSED' } });
    expect(refused.body.detail).toContain('it would delete 30 of the 40 rows in its scope (75 %)');
    expect((await ask('GET', `${BASE}/${id}`)).body).toMatchObject({ state: 'refused' });
    const meant = { rows: 10, allow_deletes: 'all' };
    expect(await ask('POST', `${BASE}/${id}/commit`, meant)).toMatchObject({
      status: 403,
      body: { code: 'E_FORBIDDEN' },
    });
    const settings = '/v1/ingest/calls/settings';
    expect(await ask('PATCH', settings, { mirror_delete_share: 1 })).toMatchObject({ status: 403 });
    expect(await ask('POST', `${BASE}/${id}/commit`, meant, api.asA)).toMatchObject({
      status: 200,
      body: { removed: 30, unchanged: 10 },
    });
  });

  it('deletes as much as the tenant’s own limits allow', async () => {
    const settings = '/v1/ingest/calls/settings';
    const changed = await ask('PATCH', settings, { mirror_delete_rows: 0 }, api.asA);
    expect(changed.body).toEqual({
      ...{ mirror_delete_share: 0.1, mirror_delete_rows: 0, mirror_rejects: 0, known_skus: false },
    });
    const id = await begin();
    await send(id, 0, rows.slice(0, 8));
    const refused = await ask('POST', `${BASE}/${id}/commit`, { rows: 8 });
    expect(refused.body.detail).toContain('at most 1 are (10 %, or 0 rows)');
    await ask('PATCH', settings, { mirror_delete_rows: 2 }, api.asA);
    expect(await ask('POST', `${BASE}/${id}/commit`, { rows: 8 })).toMatchObject({
      status: 200,
      body: { removed: 2 },
    });
  });

  it('that was given up takes no rows and no commit', async () => {
    const id = await begin({ from: '2024-01-01', to: '2024-01-31', prefix: 'c' });
    expect(await ask('DELETE', `${BASE}/${id}`)).toMatchObject({ status: 204 });
    expect(await send(id, 0, rows)).toMatchObject({ status: 409 });
    expect(await ask('POST', `${BASE}/${id}/commit`, { rows: 0 })).toMatchObject({ status: 409 });
    expect((await ask('GET', BASE)).body.items[0]).toMatchObject({
      id,
      state: 'discarded',
      scope: {
        window: { start: '2024-01-01T00:00:00.000Z', end: '2024-02-01T00:00:00.000Z' },
        prefix: 'c',
      },
    });
  });

  it('expires with all its bytes when nobody goes on with it', async () => {
    const id = await begin();
    await send(id, 0, rows);
    const { database } = api.db;
    const inSixDays = Date.now() + 6 * 86_400_000;
    await database.asSystem((tx) => deleteExpiredSnapshots(tx, inSixDays, 100));
    expect(await ask('GET', `${BASE}/${id}`)).toMatchObject({ status: 200 });
    await database.asSystem((tx) => deleteExpiredSnapshots(tx, inSixDays + 2 * 86_400_000, 100));
    expect(await ask('GET', `${BASE}/${id}`)).toMatchObject({ status: 404 });
    const [{ n }] = await database.asTenant(api.a.id, (tx) =>
      tx.query<{ n: number }>('select count(*)::int as n from daybook.snapshot_pieces'),
    );
    expect(n).toBe(0);
  });

  it.each([
    ['an unknown dataset', '/v1/ingest/rates/mirror', {}, 404],
    ['half a period', BASE, { from: '2024-01-01' }, 422],
    ['a bad map', BASE, { map: { fields: 1 } }, 422],
    ['an unknown key', BASE, { everything: true }, 422],
  ])('is not begun with %s', async (_, url, body, status) => {
    expect((await ask('POST', url, body)).status).toBe(status);
  });
});
