import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../sources/support/legacy-orders.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { keyFor, startApi, type TestApi } from './support.ts';

const PASSWORD = 'nobody ever sees this one';

let api: TestApi;
let legacy: TestDatabase;
let client: pg.Client;
let asOperator: Record<string, string>;

beforeAll(async () => {
  api = await startApi();
  const key = await keyFor(api.db, null, ['admin']);
  asOperator = { ...key, 'x-daybook-tenant': 'acme' };
  legacy = await freshDatabase('template1');
  client = new pg.Client({ connectionString: legacy.url });
  await client.connect();
  await client.query(`create table calls (external_id text, started_at timestamptz,
      ended_at timestamptz, disposition text, tenant text);
    insert into calls values ('a', '2026-02-01T10:00:00Z', '2026-02-01T10:01:00Z', 'answered', 'acme');
    drop role if exists legacy_api_reader;
    create role legacy_api_reader login password '${PASSWORD}';
    grant select on calls to legacy_api_reader`);
});
afterAll(async () => {
  await client.query('drop owned by legacy_api_reader; drop role legacy_api_reader');
  await client.end();
  await legacy.drop();
  await api.close();
});

const call = (
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  headers: Record<string, string>,
  payload?: object,
) => api.server.inject({ method, url, headers, ...(payload ? { payload } : {}) });
const pbx = (of: object = {}) => {
  const settings = { ...connectionTo(legacy.url).settings, user: 'legacy_api_reader' };
  return {
    ...{ name: 'pbx', kind: 'postgres', settings },
    ...{ credentials: { password: PASSWORD }, shared: true },
    ...of,
  };
};
const BINDING = {
  ...{ dataset: 'calls', from: 'calls', anchor_column: 'started_at', key_column: 'external_id' },
  map: {},
  only: { column: 'tenant', equals: 'acme' },
};

describe('/v1/sources', () => {
  it('are saved, bound, tried, listed, changed and removed, and no answer or line of the log bears a credential', async () => {
    const added = await call('POST', '/v1/sources', asOperator, pbx());
    expect(added.statusCode, added.body).toBe(201);
    const { id } = added.json() as { id: string };
    const bound = await call('POST', '/v1/sources/pbx/bindings', asOperator, BINDING);
    expect(bound.statusCode, bound.body).toBe(201);
    expect(bound.json()).toMatchObject({ sample: 1, error: null });
    const tried = await call('POST', `/v1/sources/${id}/test`, asOperator);
    expect(tried.json()).toMatchObject({ items: [{ dataset: 'calls', sample: 1, error: null }] });
    const bindings = await call('GET', '/v1/source-bindings', api.asA);
    expect(bindings.json()).toMatchObject({ items: [{ source: 'pbx', only: BINDING.only }] });
    const inUse = await call('DELETE', '/v1/sources/pbx', asOperator);
    expect(inUse.json()).toMatchObject({ status: 409, code: 'E_CONFLICT' });
    const [{ id: binding }] = (bindings.json() as { items: { id: string }[] }).items;
    const notMine = await call('DELETE', `/v1/source-bindings/${binding}`, api.asA);
    expect(notMine.statusCode).toBe(403);
    const unbound = await call('DELETE', `/v1/source-bindings/${binding}`, asOperator);
    expect(unbound.statusCode).toBe(204);
    const elsewhere = { settings: { ...pbx().settings, host: 'db.example.com' } };
    const led = await call('PATCH', '/v1/sources/pbx', asOperator, elsewhere);
    expect(led.json()).toMatchObject({ code: 'E_INVALID', where: 'credentials' });
    const credentials = { password: `${PASSWORD}, anew` };
    const changed = await call('PATCH', '/v1/sources/pbx', asOperator, { credentials });
    expect(changed.json()).toMatchObject({ id, version: 2 });
    const listed = await call('GET', '/v1/sources', asOperator);
    expect(listed.json()).toMatchObject({ items: [{ name: 'pbx', shared: true }] });
    expect((await call('DELETE', '/v1/sources/pbx', asOperator)).statusCode).toBe(204);
    const answers = [added, bound, tried, bindings, changed, listed].map(({ body }) => body);
    expect([...answers, ...api.logged].filter((text) => text.includes(PASSWORD))).toEqual([]);
  });

  it.each([
    ['a host inside', () => pbx({ shared: false }), 422, 'E_INVALID'],
    ['a source for all tenants', () => pbx(), 403, 'E_FORBIDDEN'],
    [
      'a setting of another kind',
      () => pbx({ shared: false, settings: { url: 'x' } }),
      422,
      'E_INVALID',
    ],
    ['a kind that cannot be read', () => pbx({ kind: 'oracle' }), 422, 'E_INVALID'],
  ])('refuse %s from a tenant', async (_, body, status, code) => {
    const answer = await call('POST', '/v1/sources', api.asA, body());
    expect(answer.json()).toMatchObject({ status, code });
    expect(answer.body).not.toContain(PASSWORD);
  });

  it('are not there for another tenant, whatever it may do with its own', async () => {
    const own = pbx({ name: 'own', shared: false });
    const { id } = (await call('POST', '/v1/sources', asOperator, own)).json() as { id: string };
    for (const [method, path, body] of [
      ['GET', `/v1/sources/${id}`],
      ['PATCH', `/v1/sources/${id}`, { credentials: {} }],
      ['POST', `/v1/sources/${id}/test`, {}],
      ['POST', `/v1/sources/${id}/bindings`, BINDING],
      ['DELETE', `/v1/sources/${id}`],
    ] as const) {
      expect((await call(method, path, api.asB, body)).statusCode, `${method} ${path}`).toBe(404);
    }
    expect((await call('GET', '/v1/sources', api.asB)).json()).toEqual({ items: [] });
    expect((await call('GET', `/v1/sources/${id}`, api.asA)).statusCode).toBe(200);
  });
});
