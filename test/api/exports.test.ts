import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaybookError } from '../../src/errors.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { insertRun, moveRun } from '../../src/store/runs.ts';
import { MARCH, startApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const post = (payload: object, headers: Record<string, string> = {}) =>
  api.server.inject({
    method: 'POST',
    url: '/v1/exports',
    headers: { ...api.asA, ...headers },
    payload,
  });
const get = (url: string, headers: Record<string, string> = api.asA) =>
  api.server.inject({ method: 'GET', url, headers });
const runsOf = async (tenantId: string) => {
  const [{ n }] = await api.db.database.asTenant(tenantId, (tx) =>
    tx.query<{ n: number }>('select count(*)::int as n from daybook.runs'),
  );
  return n;
};

describe('an export request', () => {
  it('is recorded as a queued run, its days counted, and the runner is told', async () => {
    const woken = once(api.runner.events, 'wake');
    const answer = await post(MARCH);
    await woken;
    expect(answer.statusCode).toBe(202);
    const body = answer.json();
    expect(body).toMatchObject({
      status: 'queued',
      report: 'queues',
      tenant: 'acme',
      period: { from: '2026-03-01', to: '2026-03-31' },
      zone: 'Europe/London',
      irregular_days: [{ date: '2026-03-29', hours: 23, starts_at: '00:00:00' }],
      days: { total: 31, done: 0, cached: 0 },
      file: null,
      error: null,
      request: { report: 'queues', grain: 'period', format: 'csv', cell_refs: 'auto' },
    });
    expect(answer.headers.location).toBe(`/v1/exports/${body.id}`);
    expect((await get(`/v1/exports/${body.id}`)).json()).toEqual(body);
    expect((await get(`/v1/runs/${body.id}`)).json()).toEqual(body);
  });

  it("counts the days of the request's own zone", async () => {
    const body = (
      await post({ ...MARCH, from: '2011-12-29', to: '2011-12-31', zone: 'Pacific/Apia' })
    ).json();
    expect(body.days.total).toBe(2);
    expect(body.irregular_days).toMatchObject([{ date: '2011-12-30', hours: 0, starts_at: null }]);
  });

  it('with Prefer: wait answers 200 with the file as soon as the run ends', async () => {
    api.runner.events.once('wake', async () => {
      const { items } = (await get('/v1/exports?limit=1')).json();
      api.runner.tell(items[0].id, 'running', 3);
      await api.runner.finish(api.a.id, items[0].id);
    });
    const answer = await post(MARCH, { prefer: 'respond-async, wait=50' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['preference-applied']).toBe('wait=50');
    expect(answer.json()).toMatchObject({
      status: 'done',
      file: { name: 'acme queues – März 2026.csv', rows: 1, available: true },
    });
  });

  it('with Prefer: wait sees an end of which no hint came', async () => {
    api.runner.events.once('wake', async () => {
      const { items } = (await get('/v1/exports?limit=1')).json();
      await api.db.database.asTenant(api.a.id, (tx) =>
        moveRun(tx, {
          id: items[0].id,
          to: 'failed',
          error: { code: 'E_INTERNAL', message: 'relation "secret" of host 10.0.0.7' },
        }),
      );
    });
    const answer = await post(MARCH, { prefer: 'wait=50' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ status: 'failed', error: { code: 'E_INTERNAL' } });
    expect(answer.body).not.toContain('10.0.0.7');
  });

  it('with a wait that passes answers 202 with the state so far', async () => {
    const answer = await post(MARCH, { prefer: 'wait=0' });
    expect(answer.statusCode).toBe(202);
    const short = await post(MARCH, { prefer: 'wait=1' });
    expect(short.statusCode).toBe(202);
    expect(short.json().status).toBe('queued');
  });

  it('is refused with 503 and Retry-After when the backlog cannot be met', async () => {
    const busy = await startApi({
      admission: () => {
        throw new DaybookError('E_BUSY', { got: '900 days', retryAfterSeconds: 7 });
      },
    });
    try {
      const answer = await busy.server.inject({
        method: 'POST',
        url: '/v1/exports',
        headers: { ...busy.asA, 'idempotency-key': 'k' },
        payload: MARCH,
      });
      expect(answer.statusCode).toBe(503);
      expect(answer.headers['retry-after']).toBe('7');
      expect(answer.json().code).toBe('E_BUSY');
    } finally {
      await busy.close();
    }
  });

  it('is let in by how many interactive runs of its own tenant are queued, and no others', async () => {
    const asked: number[] = [];
    const counting = await startApi({ admission: (queued) => void asked.push(queued) });
    try {
      const { a, b, asA } = counting;
      const request = parseReportRequest(MARCH, { locale: 'en' });
      const others = [
        { tenantId: a.id, workClass: 'scheduled' as const },
        { tenantId: a.id, workClass: 'precache' as const },
        { tenantId: b.id, workClass: 'interactive' as const },
      ];
      for (const other of others) {
        await counting.db.database.asTenant(other.tenantId, (tx) =>
          insertRun(tx, { ...other, request, requestedBy: 'test', daysTotal: 31 }),
        );
      }
      for (let i = 0; i < 3; i++) {
        const url = '/v1/exports';
        await counting.server.inject({ method: 'POST', url, headers: asA, payload: MARCH });
      }
      expect(asked).toEqual([0, 1, 2]);
    } finally {
      await counting.close();
    }
  });
});

describe('an idempotency key', () => {
  it('gives the same answer to the same request, whatever the order of its members', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const before = await runsOf(api.a.id);
    const first = await post(MARCH, headers);
    const again = await post(
      { format: 'csv', to: '2026-03-31', from: '2026-03-01', report: 'queues' },
      headers,
    );
    expect(again.statusCode).toBe(202);
    expect(again.json()).toEqual(first.json());
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(await runsOf(api.a.id)).toBe(before + 1);
  });

  it('with another body is a conflict and has no effect', async () => {
    const headers = { 'idempotency-key': 'k-2' };
    await post(MARCH, headers);
    const before = await runsOf(api.a.id);
    const other = await post({ ...MARCH, format: 'xlsx' }, headers);
    expect(other.statusCode).toBe(409);
    expect(other.json()).toMatchObject({ code: 'E_CONFLICT', where: 'Idempotency-Key' });
    expect(await runsOf(api.a.id)).toBe(before);
  });

  it('sent twenty times at once has one effect and one answer', async () => {
    const before = await runsOf(api.a.id);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post(MARCH, { 'idempotency-key': 'k-3' })),
    );
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(await runsOf(api.a.id)).toBe(before + 1);
  });

  it('of another tenant is another key', async () => {
    const headers = { 'idempotency-key': 'k-4' };
    const mine = (await post(MARCH, headers)).json();
    const theirs = (await post(MARCH, { ...headers, ...api.asB })).json();
    expect(theirs.id).not.toBe(mine.id);
  });

  it('whose request failed may be used again', async () => {
    const headers = { 'idempotency-key': 'k-5' };
    expect((await post({ ...MARCH, zone: 'Mars/Base' }, headers)).statusCode).toBe(422);
    expect((await post(MARCH, headers)).statusCode).toBe(202);
  });
});

describe('cancelling', () => {
  it('ends a queued run at once', async () => {
    const { id } = (await post(MARCH)).json();
    const answer = await api.server.inject({
      method: 'DELETE',
      url: `/v1/exports/${id}`,
      headers: api.asA,
    });
    expect([answer.statusCode, answer.json().status]).toEqual([200, 'cancelled']);
  });

  it('asks the holder of a running one, and is refused for a finished one', async () => {
    const { id } = (await post(MARCH)).json();
    await api.runner.start(api.a.id, id);
    const cancel = () =>
      api.server.inject({ method: 'DELETE', url: `/v1/exports/${id}`, headers: api.asA });
    const asked = await cancel();
    expect([asked.statusCode, asked.json().status, asked.json().cancel_requested]).toEqual([
      202,
      'running',
      true,
    ]);
    await api.runner.finish(api.a.id, id);
    expect((await cancel()).statusCode).toBe(409);
  });
});

describe('lists of exports', () => {
  it('give every run exactly once over pages of any size, newest first', async () => {
    const all = (await get('/v1/exports?limit=200')).json();
    expect(all.next_cursor).toBeNull();
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const url: string = `/v1/exports?limit=3${cursor ? `&cursor=${cursor}` : ''}`;
      const page = (await get(url)).json();
      seen.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(all.items.map(({ id }: { id: string }) => id));
    expect(seen.length).toBe(await runsOf(api.a.id));
  });

  it('can be narrowed by status among all runs', async () => {
    const { items } = (await get('/v1/runs?status=cancelled')).json();
    expect(new Set(items.map(({ status }: { status: string }) => status))).toEqual(
      new Set(['cancelled']),
    );
  });
});
