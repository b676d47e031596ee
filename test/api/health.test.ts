import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import { startApi, type TestApi } from './support.ts';

let api: TestApi;
let runnerIsThere = true;
beforeAll(async () => {
  api = await startApi({
    readiness: [
      {
        name: '<b>runner</b>',
        check: async () => {
          if (!runnerIsThere) throw new Error('no lease at 10.0.0.7');
        },
      },
    ],
  });
});
afterAll(() => api.close());

const get = (url: string, at = api) => at.server.inject({ method: 'GET', url });

describe('health', () => {
  it('is ready while the database and the runner answer', async () => {
    const answer = await get('/readyz');
    expect([answer.statusCode, answer.json().status]).toEqual([200, 'ready']);
    expect(answer.json().checks.database).toBe('ok');
  });

  it('is not ready without a runner, says which check fails and nothing of hosts', async () => {
    runnerIsThere = false;
    const answer = await get('/readyz');
    runnerIsThere = true;
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({
      code: 'E_UNAVAILABLE',
      checks: { database: 'ok', '<b>runner</b>': 'does not answer' },
    });
    expect(answer.body).not.toContain('10.0.0.7');
  });

  it('is alive, not ready, and 503 elsewhere when the database is gone', async () => {
    const nowhere = openDatabase({
      url: 'postgres://nobody:canary@127.0.0.1:1/none',
      maxConnections: 1,
      applicationName: 'test',
      log: pino({ level: 'silent' }),
    });
    const lost = await startApi({ database: nowhere });
    try {
      expect((await get('/healthz', lost)).statusCode).toBe(200);
      expect((await get('/readyz', lost)).statusCode).toBe(503);
      const answer = await lost.server.inject({
        method: 'GET',
        url: '/v1/exports',
        headers: lost.asA,
      });
      expect([answer.statusCode, answer.json().code]).toEqual([503, 'E_UNAVAILABLE']);
      expect(answer.headers['retry-after']).toBe('5');
      expect(answer.body).not.toMatch(/canary|127.0.0.1:1\b|ECONN/);
    } finally {
      await lost.close();
      await nowhere.close();
    }
  });

  it('shows on the first page, escaped, without scripts', async () => {
    const { body, headers } = await get('/');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toContain('href="/docs"');
    expect(body).toContain('&#60;b&#62;runner&#60;/b&#62;');
    expect(body).not.toMatch(/<b>runner|<script|style=/);
    expect((await get('/style.css')).headers['content-type']).toContain('text/css');
    expect((await get('/errors')).body).toContain('id="E_UNKNOWN_ZONE"');
  });
});

describe('metrics', () => {
  it('count requests by route pattern, and name no tenant, address or query', async () => {
    await api.server.inject({
      method: 'GET',
      url: '/v1/exports/11111111-1111-4111-8111-111111111111?x=canary',
      headers: api.asA,
    });
    await get('/a/path/nobody/knows');
    const { body, headers } = await get('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(body).toMatch(
      /daybook_http_request_seconds_count\{method="GET",route="\/v1\/exports\/:id",status="404"\} 1/,
    );
    expect(body).toContain('route="none"');
    expect(body).not.toMatch(/acme|1111|nobody|canary/);
  });
});
