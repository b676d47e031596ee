import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyFor, startApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const DAILY = {
  report: 'calls',
  format: 'xlsx',
  period: 'yesterday',
  every: 'day',
  at: '08:00',
  recipients: [{ email: 'ana@example.com' }],
};

async function call(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  payload?: object,
  headers: Record<string, string> = api.asA,
) {
  const answer = await api.server.inject({ method, url, headers, ...(payload ? { payload } : {}) });
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
}

describe('schedules over HTTP', () => {
  it('are saved, read, changed, paused, run and removed', async () => {
    const made = await call('POST', '/v1/schedules', { name: 'Morning calls', ...DAILY });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'Morning calls',
      state: 'active',
      version: 1,
      zone: 'Europe/London',
      spec: { ...DAILY, catch_up: 'all', if_incomplete: 'hold', empty: 'send', cell_refs: 'auto' },
    });
    const url = `/v1/schedules/${made.body.id}`;
    expect((await call('GET', url)).body).toEqual(made.body);
    expect((await call('GET', '/v1/schedules/Morning%20calls')).body.id).toBe(made.body.id);
    expect((await call('GET', '/v1/schedules')).body.items).toHaveLength(1);

    const changed = await call('PATCH', url, { every: 'week', on: 'mon', zone: 'Asia/Tokyo' });
    expect(changed.body).toMatchObject({ version: 2, zone: 'Asia/Tokyo', spec: { on: 'mon' } });
    const back = await call('PATCH', url, { zone: null, every: 'day' });
    expect(back.body).toMatchObject({ version: 3, zone: 'Europe/London' });
    expect(back.body.spec).not.toHaveProperty('on');

    const preview = await call('GET', `${url}/preview`);
    expect(preview.body.items).toHaveLength(10);
    expect(preview.body.items[0]).toMatchObject({ zone: 'Europe/London' });
    expect((await call('POST', `${url}/pause`)).body).toMatchObject({
      state: 'paused',
      next: null,
    });
    expect((await call('POST', `${url}/resume`)).body).toMatchObject({ state: 'active' });

    const ran = await call('POST', `${url}/run`);
    expect(ran.status).toBe(202);
    expect((await call('GET', `${url}/runs`)).body.items).toMatchObject([
      { id: ran.body.occurrence, state: 'planned', manual: true, schedule_version: 3 },
    ]);
    expect((await call('DELETE', url)).status).toBe(204);
    expect((await call('GET', url)).status).toBe(404);
    expect((await call('GET', '/v1/schedules')).body.items).toEqual([]);
  });

  it('that are bad are refused with 422, and the answer names the field', async () => {
    for (const [change, where] of [
      [{ zone: 'Mars/Base' }, 'zone'],
      [{ every: 'cron', at: undefined, cron: '0 0 30 2 *' }, 'cron'],
      [{ every: 'cron', at: undefined, cron: '* * * * * *' }, 'cron'],
      [{ recipients: [] }, 'recipients'],
      [{ recipients: [{ email: 'a@b.co, c@d.ee' }] }, 'recipients[0].email'],
    ] as const) {
      const { status, body } = await call('POST', '/v1/schedules', { ...DAILY, ...change });
      expect([status, body.where], JSON.stringify(change)).toEqual([422, where]);
    }
    expect((await call('GET', '/v1/schedules')).body.items).toEqual([]);
  });

  it('have names that are taken once, and one answer for one Idempotency-Key', async () => {
    const headers = { ...api.asA, 'idempotency-key': 'once' };
    const first = await call('POST', '/v1/schedules', { name: 'twice', ...DAILY }, headers);
    const again = await call('POST', '/v1/schedules', { name: 'twice', ...DAILY }, headers);
    expect(again.body).toEqual(first.body);
    expect((await call('POST', '/v1/schedules', { name: 'twice', ...DAILY })).status).toBe(409);
    const other = await call('POST', '/v1/schedules', { name: 'twice', ...DAILY }, api.asB);
    expect(other.status).toBe(201);
  });

  it('are previewed before they are saved', async () => {
    const { status, body } = await call('POST', '/v1/schedules/preview', {
      ...DAILY,
      ...{ every: 'month', on: 'last', zone: 'America/Sao_Paulo' },
    });
    expect(status).toBe(200);
    expect(body.items).toHaveLength(10);
  });

  it('are for who may manage them', async () => {
    const reader = await keyFor(api.db, api.a.id, ['read']);
    expect((await call('GET', '/v1/schedules', undefined, reader)).status).toBe(200);
    expect((await call('POST', '/v1/schedules', DAILY, reader)).status).toBe(403);
    expect((await call('GET', '/v1/files', undefined, reader)).body.items).toEqual([]);
    expect((await call('GET', '/v1/deliveries', undefined, reader)).body.items).toEqual([]);
  });
});
