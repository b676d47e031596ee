import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  queueDueConnectors,
  runWaitingConnectors,
} from '../../src/scheduler/connectors/start-connectors.ts';
import { databaseNow } from '../../src/store/dataset-marks.ts';
import { startApi, type TestApi } from '../api/support.ts';
import { type Answer, type Asked, startForeignApi } from './support.ts';

/** Connectors over the API, run as the runner does, against an API on this machine. */

let api: TestApi;
let foreign: Awaited<ReturnType<typeof startForeignApi>> | null = null;
beforeAll(async () => {
  api = await startApi({ privateTargets: 'allow' });
});
afterAll(() => api.close());
afterEach(async () => {
  await foreign?.close();
  foreign = null;
});

const MAP = {
  fields: {
    ...{ external_id: 'id', started_at: 'at', ended_at: 'at' },
    disposition: { value: 'answered' },
  },
};
const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 0, 0, second)).toISOString();
const call = (id: number) => ({ id, at: at(id) });
let names = 0;

async function add(more: object, headers = api.asA): Promise<string> {
  const payload = {
    ...{ name: `c${++names}`, dataset: 'calls', url: `${foreign?.url}/calls`, map: MAP },
    ...{ requests_per_minute: 6_000, ...more },
  };
  const answer = await api.server.inject({
    method: 'POST',
    url: '/v1/connectors',
    headers,
    payload,
  });
  expect(answer.statusCode, answer.body).toBe(201);
  return answer.json().id;
}

const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) =>
  api.server.inject({ method, url, headers: api.asA, ...(payload ? { payload } : {}) });

const deps = () => ({
  ...{ database: api.db.database, keys: api.deps.keys, log: pino({ level: 'silent' }) },
  rules: { privateTargets: 'allow' as const },
});
const runAll = () => runWaitingConnectors(deps(), AbortSignal.timeout(30_000));

async function run(id: string) {
  expect((await ask('POST', `/v1/connectors/${id}/run`)).statusCode).toBe(202);
  await runAll();
  const { items } = (await ask('GET', `/v1/connectors/${id}/runs`)).json();
  return items[0];
}

const serve = async (answerTo: (asked: Asked, number: number) => Answer) => {
  foreign = await startForeignApi(answerTo);
  return foreign;
};

describe('a connector', () => {
  it('fetches page by page, with its secret, and loads every row once', async () => {
    const all = Array.from({ length: 25 }, (_, i) => call(i + 1));
    const { asked } = await serve(({ url }) => {
      const offset = Number(url.searchParams.get('offset'));
      return { body: { data: { items: all.slice(offset, offset + 10) } } };
    });
    const id = await add({
      ...{ rows: 'data.items', paging: { kind: 'offset', size: 10 } },
      ...{ auth: { kind: 'bearer' }, secret: 'top secret' },
    });
    expect(await run(id)).toMatchObject({ state: 'done', pages: 3, rows: 25, loaded: 25 });
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(
      Array(3).fill('Bearer top secret'),
    );
    expect(await run(id)).toMatchObject({ state: 'done', loaded: 0, unchanged: 25 });
    const shown = await ask('GET', `/v1/connectors/${id}`);
    expect(shown.body).not.toContain('top secret');
    expect(shown.json()).toMatchObject({ has_secret: true });
    const [{ kept }] = await api.db.database.asOwner((tx) =>
      tx.query<{ kept: string }>(
        `select encode(sealed_secret, 'escape') || spec::text as kept from daybook.connectors where id = $1`,
        [id],
      ),
    );
    expect(kept).not.toContain('top secret');
  });

  it('asks for what is new since the greatest that was stored, less the overlap', async () => {
    const sinces: (string | null)[] = [];
    let rows = [call(10), call(5)];
    await serve(({ url }) => {
      sinces.push(url.searchParams.get('since'));
      return { body: rows };
    });
    const id = await add({ since: { param: 'since', field: 'at', overlap: 2 } });
    expect(await run(id)).toMatchObject({ state: 'done', since_before: null, since_after: at(10) });
    rows = [call(11)];
    expect(await run(id)).toMatchObject({ rows: 1, since_after: at(11) });
    rows = [];
    await run(id);
    expect(sinces).toEqual([null, at(8), at(9)]);
  });

  it('does not come further when a page fails, and asks again from where it stood', async () => {
    const sinces: (string | null)[] = [];
    let broken = true;
    await serve(({ url }) => {
      sinces.push(url.searchParams.get('since'));
      if (url.searchParams.get('page') === '1') return { body: [call(20)] };
      return broken ? { status: 403, body: 'no' } : { body: [] };
    });
    const id = await add({
      ...{ paging: { kind: 'page' }, since: { param: 'since', field: 'at', start: 'S' } },
    });
    expect(await run(id)).toMatchObject({
      ...{ state: 'failed', since_after: null },
      error: { code: 'E_INPUT', message: expect.stringContaining('answered 403') },
    });
    broken = false;
    expect(await run(id)).toMatchObject({ state: 'done', since_after: at(20) });
    expect(sinces).toEqual(['S', 'S', 'S', 'S']);
  });

  it('follows cursors and links, and no link to another host', async () => {
    await serve(({ url }) => {
      const { searchParams, pathname } = url;
      if (pathname === '/cursor') {
        const next = searchParams.get('cursor');
        return { body: { rows: [call(next ? 32 : 31)], next: next ? null : 'n' } };
      }
      const second = searchParams.get('p') === '2';
      const evil = pathname === '/evil';
      const link = evil ? 'http://127.0.0.1:1/' : `${pathname}?p=2`;
      return {
        headers: { link: second ? '' : `<${link}>; rel="next"` },
        body: [call(second ? 34 : 33)],
      };
    });
    const cursor = await add({
      ...{ url: `${foreign?.url}/cursor`, rows: 'rows', paging: { kind: 'cursor', path: 'next' } },
    });
    expect(await run(cursor)).toMatchObject({ state: 'done', pages: 2, rows: 2 });
    const link = await add({ url: `${foreign?.url}/link`, paging: { kind: 'link' } });
    expect(await run(link)).toMatchObject({ state: 'done', pages: 2, rows: 2 });
    const evil = await add({ url: `${foreign?.url}/evil`, paging: { kind: 'link' } });
    expect(await run(evil)).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining('another host') },
    });
  });

  it('waits out 429, 503 and an answer that is cut off, then leaves it to a later try', async () => {
    await serve((_, number) => {
      if (number === 1) return { status: 429, headers: { 'retry-after': '0' } };
      if (number === 2) return { body: [call(41)], cut: true };
      return { body: [call(41)] };
    });
    const id = await add({});
    expect(await run(id)).toMatchObject({ state: 'done', rows: 1 });
    await foreign?.close();
    await serve(() => ({ status: 503, headers: { 'retry-after': '3600' } }));
    const busy = await add({});
    expect(await run(busy)).toMatchObject({
      ...{ state: 'queued', attempts: 1 },
      error: { code: 'E_UNAVAILABLE' },
    });
  }, 30_000);

  it('keeps rows that cannot be read as rejects, and ends by its own bound of pages', async () => {
    await serve(({ url }) => ({
      body: url.searchParams.has('page') ? [call(50)] : [call(51), { id: 52, at: 'soon' }],
    }));
    const odd = await add({});
    expect(await run(odd)).toMatchObject({
      ...{ state: 'done', loaded: 1, rejected: 1 },
      first_reject: expect.stringContaining('started_at'),
    });
    const endless = await add({ paging: { kind: 'page' }, most_pages: 3 });
    expect(await run(endless)).toMatchObject({
      state: 'failed',
      error: { code: 'E_TOO_LARGE' },
    });
  });

  it('is run when it is due, once for all that was missed, and not when it is not active', async () => {
    await serve(() => ({ body: [] }));
    const id = await add({ cron: '*/5 * * * *', zone: 'UTC' });
    const idle = await add({ cron: '*/5 * * * *', active: false });
    const now = await api.db.database.asSystem(databaseNow);
    expect(await queueDueConnectors(now, api.db.database)).toBe(0);
    expect(await queueDueConnectors(now + 3_600_000, api.db.database)).toBe(1);
    expect(await queueDueConnectors(now + 3_600_000, api.db.database)).toBe(0);
    await runAll();
    const { items } = (await ask('GET', `/v1/connectors/${id}/runs`)).json();
    expect(items).toMatchObject([{ state: 'done', cause: 'schedule' }]);
    expect((await ask('GET', `/v1/connectors/${idle}/runs`)).json().items).toEqual([]);
    const { next_due } = (await ask('GET', `/v1/connectors/${id}`)).json();
    expect(Date.parse(next_due)).toBeGreaterThan(now + 3_600_000);
  });

  it('keeps its secret for the host that it was given for', async () => {
    await serve(() => ({ body: [] }));
    const id = await add({ name: 'kept', auth: { kind: 'bearer' }, secret: 's3cret' });
    const body = { name: 'kept', dataset: 'calls', auth: { kind: 'bearer' } };
    const moved = { ...body, url: 'http://127.0.0.2:9/calls' };
    const refused = await ask('PUT', `/v1/connectors/${id}`, moved);
    expect(refused.json()).toMatchObject({ code: 'E_INVALID', where: 'secret' });
    expect(
      (await ask('PUT', `/v1/connectors/${id}`, { ...moved, secret: null })).json(),
    ).toMatchObject({ has_secret: false });
  });

  it('may not reach private addresses where the operator does not allow it', async () => {
    const strict = await startApi();
    try {
      const answer = await strict.server.inject({
        ...{ method: 'POST', url: '/v1/connectors', headers: strict.asA },
        payload: { name: 'x', dataset: 'calls', url: 'https://127.0.0.1/calls' },
      });
      expect(answer.json()).toMatchObject({ code: 'E_INVALID', where: 'url' });
    } finally {
      await strict.close();
    }
  });
});

describe('a trigger', () => {
  it('starts its connector once for what comes within a second, whatever is sent along', async () => {
    await serve(() => ({ body: [call(60)] }));
    const id = await add({});
    const made = await ask('POST', '/v1/triggers', { name: 't', connector: id });
    expect(made.statusCode).toBe(201);
    const path = new URL(made.json().url).pathname;
    const answers = await Promise.all(
      ['application/json', 'text/xml', 'application/x-www-form-urlencoded', 'x/y'].map((type) =>
        api.server.inject({
          ...{ method: 'POST', url: path, headers: { 'content-type': type } },
          payload: '{ no json',
        }),
      ),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202, 202]);
    expect(await runAll()).toBe(1);
    const { items } = (await ask('GET', `/v1/connectors/${id}/runs`)).json();
    expect(items).toMatchObject([{ cause: 'trigger', state: 'done', loaded: 1 }]);
    expect((await ask('GET', '/v1/triggers')).json().items[0]).toMatchObject({ fires: 1 });
    const token = path.split('/').at(-1) as string;
    expect((await ask('GET', '/v1/triggers')).body).not.toContain(token);
    expect(api.logged.join('')).not.toContain(token);
  });

  it('starts a schedule out of turn, and nothing once it is removed', async () => {
    const schedule = {
      ...{ name: 's', report: 'calls', period: 'yesterday', every: 'day', at: '08:00' },
      recipients: [{ email: 'ana@example.com' }],
    };
    const { id } = (await ask('POST', '/v1/schedules', schedule)).json();
    const made = (await ask('POST', '/v1/triggers', { name: 't2', schedule: id })).json();
    const url = new URL(made.url).pathname;
    expect((await api.server.inject({ method: 'POST', url })).statusCode).toBe(202);
    expect((await ask('GET', `/v1/schedules/${id}/runs`)).json().items).toHaveLength(1);
    expect((await ask('DELETE', `/v1/triggers/${made.id}`)).statusCode).toBe(204);
    expect((await api.server.inject({ method: 'POST', url })).statusCode).toBe(404);
  });

  it('of another tenant starts nothing of this one', async () => {
    await serve(() => ({ body: [] }));
    const id = await add({});
    const answer = await api.server.inject({
      ...{ method: 'POST', url: '/v1/triggers', headers: api.asB },
      payload: { name: 'x', connector: id },
    });
    expect(answer.statusCode).toBe(404);
  });
});
