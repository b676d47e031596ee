import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sheetRows } from '../render/support/read-xlsx.ts';
import { addCharges } from '../scheduler/reconcile/support.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { keyFor, startApi, type TestApi } from './support.ts';

let api: TestApi;
let engine: TestEngine;
beforeAll(async () => {
  api = await startApi();
  engine = startEngine({ database: api.db.database, home: api.home });
  await addCharges(api.db.database, api.a, [
    ['a1', '2026-03-01T10:00:00Z', '+441', '+491', 60, '0.10'],
    ['a2', '2026-03-02T10:00:00Z', '+442', '+492', 60, '0.20'],
  ]);
});
afterAll(async () => {
  await engine.stop();
  await api.close();
});

const CSV = [
  'external_id,started_at,caller,callee,billed_seconds,amount,currency',
  'a1,2026-03-01T10:00:00Z,441,491,60,0.10,EUR',
  'a2,2026-03-02T10:00:00Z,442,492,66,0.22,EUR',
].join('\n');
const PATH = '/v1/reconciliations?from=2026-03-01&to=2026-03-31';

async function post(
  payload: Buffer | string | undefined,
  { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
) {
  const answer = await api.server.inject({
    method: 'POST',
    url: `${PATH}${query}`,
    headers: {
      ...api.asA,
      ...(payload === undefined ? {} : { 'content-type': 'text/csv' }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
}

const get = (url: string, headers: Record<string, string> = api.asA) =>
  api.server.inject({ url, headers });
const keptFiles = () =>
  readdirSync(join(api.home, 'files', api.a.id)).filter((name) => name.endsWith('.carrier'));

describe('POST /v1/reconciliations', () => {
  it('takes a file, is queued, and has found what the command finds when its run has ended', async () => {
    const asked = await post(gzipSync(CSV), { query: '&name=march.csv.gz&tolerance_seconds=2' });
    expect(asked.status).toBe(202);
    const { id, links } = asked.body;
    expect(asked.body).toMatchObject({ status: 'queued', period: { from: '2026-03-01' } });
    expect(asked.headers.location).toBe(links.self);
    expect((await get(links.self)).json()).toMatchObject({ id, status: 'queued' });
    expect((await get(links.file)).statusCode).toBe(409);

    expect((await engine.finished(api.a.id, id)).state).toBe('done');
    const found = (await get(links.self)).json();
    expect(found).toMatchObject({
      ...{ id, status: 'open', carrier: 'march.csv.gz', currency: 'EUR', theirs: { rows: 2 } },
      request: { tolerance_seconds: 2 },
    });
    expect(found.classes.duration).toMatchObject({ rows: 1, explains: '0.02' });
    const file = await get(links.file);
    expect(file.headers['content-type']).toContain('spreadsheetml');
    expect(sheetRows(file.rawPayload, 'Duration')[1].slice(0, 2)).toEqual(['a2', 'a2']);
    expect(keptFiles()).toHaveLength(1);
  });

  it('makes one of the same key and file, and refuses the key with another file', async () => {
    const headers = { 'idempotency-key': 'march' };
    const before = keptFiles().length;
    const first = await post(CSV, { headers });
    const again = await post(CSV, { headers });
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await post(`${CSV}\n`, { headers })).body.code).toBe('E_CONFLICT');
    expect(keptFiles()).toHaveLength(before + 1);
    await engine.finished(api.a.id, first.body.id);
  });

  it.each([
    [
      'a wrong separator',
      CSV.replaceAll(',', ';'),
      '{"delimiter":","}',
      'seems to be the separator',
    ],
    ['another period', CSV.replaceAll('2026-03', '2026-02'), '', 'are outside 2026-03-01'],
    ['another currency', CSV.replaceAll('EUR', 'USD'), '', '2 of 2 rows are in USD'],
  ])('fails for %s with the reason, before anything is compared', async (_, csv, map, reason) => {
    const query = map === '' ? '' : `&map=${encodeURIComponent(map)}`;
    const { body } = await post(csv, { query });
    await engine.finished(api.a.id, body.id);
    const failed = (await get(body.links.self)).json();
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'E_INPUT' } });
    expect(failed.error.message).toContain(reason);
    expect((await get(body.links.file)).statusCode).toBe(409);
  });

  it.each([
    ['&country_code=0', 'country_code'],
    ['&tolerance_amount=1e9', 'tolerance_amount'],
    ['&map=%7B', 'map'],
    ['&map=%7B%22fields%22%3A%7B%22nope%22%3A%22a%22%7D%7D', 'nope'],
    ['&direction=up', 'direction'],
  ])('refuses %s before it takes the file', async (query, said) => {
    const before = keptFiles().length;
    const { status, body } = await post(CSV, { query });
    expect([Math.floor(status / 100), JSON.stringify(body)]).toEqual([
      4,
      expect.stringContaining(said),
    ]);
    expect(keptFiles()).toHaveLength(before);
  });

  it('refuses an empty file, and one that is coded', async () => {
    expect((await post('')).body).toMatchObject({ code: 'E_INVALID', where: 'body' });
    const coded = await post(gzipSync(CSV), { headers: { 'content-encoding': 'gzip' } });
    expect(coded.body.code).toBe('E_MEDIA_TYPE');
  });

  it('is refused to who may not, and what it found is not read by who may not', async () => {
    const reader = await keyFor(api.db, api.a.id, ['read']);
    const exporter = await keyFor(api.db, api.a.id, ['exports.create', 'exports.read']);
    expect((await post(CSV, { headers: reader })).status).toBe(403);
    const { body } = await post(CSV);
    await engine.finished(api.a.id, body.id);
    for (const url of ['', '/file', '/events']) {
      expect((await get(`/v1/exports/${body.id}${url}`, exporter)).statusCode).toBe(403);
    }
    const exported = await api.server.inject({
      ...{ method: 'POST', url: '/v1/exports', headers: exporter },
      payload: { report: 'reconciliation', from: '2026-03-01', to: '2026-03-31', format: 'xlsx' },
    });
    expect(exported.statusCode).toBe(403);
    const scheduler = await keyFor(api.db, api.a.id, ['schedules.manage', 'exports.create']);
    const scheduled = await api.server.inject({
      ...{ method: 'POST', url: '/v1/schedules', headers: scheduler },
      payload: {
        ...{ report: 'reconciliation', period: 'previous-month', every: 'month', on: 3 },
        ...{ at: '08:00', recipients: [{ email: 'ana@example.com' }] },
      },
    });
    expect(scheduled.statusCode).toBe(403);
    expect((await get(`/v1/reconciliations/${body.id}/file`, api.asB)).statusCode).toBe(404);
  });
});
