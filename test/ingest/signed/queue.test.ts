import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INGEST_LIMITS } from '../../../src/api/ingest/ingest-limits.ts';
import { DaybookError } from '../../../src/errors.ts';
import { setbackOf } from '../../../src/scheduler/ingest/load-batch.ts';
import { findCompleteThrough } from '../../../src/store/dataset-marks.ts';
import { setIngestMaps } from '../../../src/store/ingest-keys.ts';
import { openReceiver, type Receiver } from './support/receiver.ts';
import { callRows, ndjson, type SenderKey, sign } from './support/sender.ts';

let to: Receiver;
beforeAll(async () => {
  to = await openReceiver({
    ingestLimits: { ...INGEST_LIMITS, ofTenant: { batches: 30, storedBytes: 2 ** 20 } },
  });
});
afterAll(() => to.api.close());

const markOf = () =>
  to.api.db.database.asTenant(to.api.a.id, (tx) => findCompleteThrough(tx, 'calls'));
const mark = (instant: string) =>
  to.post(
    sign(to.key, JSON.stringify({ complete_through: instant }), { type: 'application/json' }),
    'calls/complete',
  );
/** What waits for its next try waits no more. */
const hurry = () =>
  to.api.db.database.asOwner((tx) =>
    tx.run(`update daybook.ingest_batches set not_before = now() where state = 'queued'`),
  );
const call = async (method: 'GET' | 'POST' | 'DELETE', url: string) => {
  const answer = await to.api.server.inject({ method, url, headers: to.api.asA });
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
};

describe('a mark', () => {
  it('moves when all batches before it are loaded, and only forward', async () => {
    await to.post(sign(to.key, ndjson(callRows(0, 10))));
    const { status, body } = await mark('2024-01-02T00:00:00Z');
    expect(status).toBe(202);
    expect(await markOf()).toBeNull();
    await to.loadAll();
    expect(await markOf()).toBe(Date.UTC(2024, 0, 2));
    expect(await to.batch(body.batch)).toMatchObject({ kind: 'mark', state: 'loaded' });
    await mark('2024-01-01T00:00:00+00:00');
    await to.loadAll();
    expect(await markOf()).toBe(Date.UTC(2024, 0, 2));
  });

  it('is refused when it is no instant', async () => {
    for (const body of [
      '{}',
      '[]',
      '{"complete_through":"tomorrow"}',
      '{"complete_through":1}',
      '{"complete_through":"2024-01-01T00:00:00"}',
      '',
    ]) {
      const { status } = await to.post(
        sign(to.key, body, { type: 'application/json' }),
        'calls/complete',
      );
      expect(status >= 400 && status < 500, body).toBe(true);
    }
  });
});

describe('a batch that cannot be loaded', () => {
  let broken: SenderKey;
  const setMaps = (maps: object) =>
    to.api.db.database.asTenant(to.api.a.id, (tx) =>
      setIngestMaps(tx, { tenantId: to.api.a.id, id: broken.id, maps }),
    );

  it('is tried 5 times and then is dead; those behind it flow on, a mark waits', async () => {
    broken = await to.createKey({ name: 'broken' });
    await setMaps({ calls: 'no map' });
    const { body } = await to.post(sign(broken, ndjson(callRows(100, 5))));
    const behind = await to.post(sign(to.key, ndjson(callRows(200, 5))));
    await mark('2024-02-01T00:00:00Z');
    const states: unknown[] = [];
    for (let tries = 1; tries <= 5; tries++) {
      expect((await to.batch(behind.body.batch)).state).toBe('queued');
      await to.loadAll();
      const { state, failures } = await to.batch(body.batch);
      states.push([state, failures]);
      await hurry();
    }
    expect(states).toEqual([
      ['queued', 1],
      ['queued', 2],
      ['queued', 3],
      ['queued', 4],
      ['dead', 5],
    ]);
    await to.loadAll();
    expect(await to.batch(behind.body.batch)).toMatchObject({ state: 'loaded' });
    expect(await to.batch(body.batch)).toMatchObject({ error: { code: 'E_MAP' } });
    expect(await markOf()).toBe(Date.UTC(2024, 0, 2));
    expect((await call('GET', '/v1/ingest/batches?state=dead')).body.items).toHaveLength(1);
  });

  it('is loaded after all when it is tried again with what it lacked, and the mark moves on', async () => {
    const [dead] = (await call('GET', '/v1/ingest/batches?state=dead')).body.items;
    await setMaps({});
    const url = `/v1/ingest/batches/${dead.id}`;
    expect(await call('POST', `${url}/retry`)).toMatchObject({
      status: 200,
      body: { state: 'queued' },
    });
    await to.loadAll();
    expect(await to.batch(dead.id)).toMatchObject({
      state: 'loaded',
      error: null,
      result: { loaded: 5 },
    });
    expect(await markOf()).toBe(Date.UTC(2024, 1, 1));
    expect((await call('POST', `${url}/retry`)).status).toBe(409);
    expect((await call('DELETE', url)).status).toBe(409);
    expect((await call('POST', `/v1/ingest/batches/${randomUUID()}/retry`)).status).toBe(404);
  });

  it('may be given up for good: its bytes go, and the mark moves on', async () => {
    const { body } = await to.post(sign(broken, ndjson(callRows(300, 5))));
    await to.api.db.database.asOwner((tx) =>
      tx.run(`update daybook.ingest_batches set state = 'dead', ended_at = now() where id = $1`, [
        body.batch,
      ]),
    );
    await mark('2024-03-01T00:00:00Z');
    await to.loadAll();
    expect(await markOf()).toBe(Date.UTC(2024, 1, 1));
    expect((await call('DELETE', `/v1/ingest/batches/${body.batch}`)).status).toBe(204);
    await to.loadAll();
    expect(await markOf()).toBe(Date.UTC(2024, 2, 1));
    const [{ n }] = await to.api.db.database.asOwner((tx) =>
      tx.query('select count(*)::int as n from daybook.ingest_pieces'),
    );
    expect(n).toBe(0);
  });

  it('is not at fault while the database is away or the process stops', () => {
    const batch = { failures: 4, lost: 0 };
    const going = new AbortController().signal;
    const away = new DaybookError('E_UNAVAILABLE', { what: 'the database', reason: 'gone' });
    expect(setbackOf(away, batch, going)).toMatchObject({ state: 'queued', failures: 4 });
    const stopped = AbortSignal.abort();
    expect(setbackOf(new Error('stop'), batch, stopped)).toMatchObject({
      state: 'queued',
      failures: 4,
      error: null,
    });
    expect(setbackOf(new Error('bug'), batch, going)).toMatchObject({ state: 'dead', failures: 5 });
    const pauses = [0, 1, 2, 3].map(
      (failures) => setbackOf(new Error('bug'), { failures, lost: 0 }, going).pauseMs,
    );
    expect(pauses).toEqual([2000, 4000, 8000, 16_000]);
  });
});

describe('the queue', () => {
  it('turns new batches away with 429 when it is full, by its pace, and known ones not', async () => {
    const small = () => sign(to.key, ndjson(callRows(400, 1)));
    const first = small();
    const known = await to.post(first);
    for (let i = 1; i < 30; i++) expect((await to.post(small())).status).toBe(202);
    const { server } = to.api;
    const answer = await server.inject({ method: 'POST', url: '/v1/ingest/calls', ...small() });
    expect(answer.statusCode).toBe(429);
    expect(answer.json()).toMatchObject({ code: 'E_RATE_LIMITED', retryable: true });
    const retryAfter = Number(answer.headers['retry-after']);
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(300);
    expect(await to.post(first)).toEqual(known);
    const others = await to.createKey({ name: 'of b' }, to.api.asB);
    expect((await to.post(sign(others, ndjson(callRows(0, 1))))).status).toBe(202);
    await to.loadAll();
    expect((await to.post(small())).status).toBe(202);
    await to.loadAll();
  });

  it('turns away by bytes too', async () => {
    const rows = callRows(0, 4000).map((row) => ({
      ...row,
      caller: randomUUID(),
      callee: randomUUID(),
    }));
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push((await to.post(sign(to.key, ndjson(rows)))).status);
    expect(statuses[0]).toBe(202);
    expect(statuses.at(-1)).toBe(429);
    await to.loadAll();
  });

  it('is gone through in pages, newest first', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await call('GET', `/v1/ingest/batches?limit=7${cursor}`);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(30);
    expect((await call('GET', '/v1/ingest/batches?cursor=x')).status).toBe(422);
    expect((await call('GET', '/v1/ingest/batches/nothing')).status).toBe(404);
  });
});
