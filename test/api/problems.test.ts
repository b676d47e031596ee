import { RateLimiterMemory } from 'rate-limiter-flexible';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MARCH, startApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const JSON_TYPE = { 'content-type': 'application/json' };
const send = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: unknown) =>
  api.server.inject({
    method,
    url,
    headers: { ...api.asA, ...(payload === undefined ? {} : JSON_TYPE) },
    ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
  });

function expectProblem(answer: { headers: object; body: string; statusCode: number }) {
  expect(answer.headers).toMatchObject({
    'content-type': expect.stringContaining('application/problem+json'),
    'x-content-type-options': 'nosniff',
    'x-request-id': expect.any(String),
  });
  const problem = JSON.parse(answer.body);
  expect(problem).toMatchObject({
    type: `http://127.0.0.1:8080/errors#${problem.code}`,
    title: expect.any(String),
    status: answer.statusCode,
    detail: expect.any(String),
    instance: expect.stringMatching(/^urn:uuid:/),
    code: expect.stringMatching(/^E_[A-Z_]+$/),
  });
  return problem;
}

describe('a wrong export request is refused with where, what came and what is expected', () => {
  const without = (field: keyof typeof MARCH) =>
    Object.fromEntries(Object.entries(MARCH).filter(([key]) => key !== field));
  const cases: [string, unknown, string, string, RegExp][] = [
    ['no report', without('report'), 'report', 'nothing', /one of calls, queues/],
    ['no from', without('from'), 'from', 'nothing', /YYYY-MM-DD/],
    ['no to', without('to'), 'to', 'nothing', /YYYY-MM-DD/],
    ['no format', without('format'), 'format', 'nothing', /one of csv, .*xlsx/],
    ['an unknown report', { ...MARCH, report: 'queue' }, '', '"queue"', /queues/],
    ['a report that is a number', { ...MARCH, report: 5 }, 'report', '5', /one of calls/],
    ['a date that is none', { ...MARCH, from: '2026-02-30' }, 'from', '"2026-02-30"', /-/],
    ['a date of words', { ...MARCH, to: 'yesterday' }, 'to', '"yesterday"', /-/],
    ['a period backwards', { ...MARCH, to: '2026-02-01' }, 'to', '2026-02-01', /2026-03-01/],
    ['a period of 30 years', { ...MARCH, from: '1996-01-01' }, 'from, to', 'days', /10 years/],
    ['an unknown format', { ...MARCH, format: 'pdf' }, 'format', '"pdf"', /xlsx/],
    ['an unknown zone', { ...MARCH, zone: 'Mars/Base' }, 'zone', 'Mars/Base', /-/],
    ['an offset for a zone', { ...MARCH, zone: '+02:00' }, 'zone', '+02:00', /-/],
    ['an unknown grain', { ...MARCH, grain: 'row' }, 'grain', '"row"', /day, period/],
    ['an unknown column', { ...MARCH, columns: ['ofered'] }, 'columns[0]', '"ofered"', /offered/],
    ['a column twice', { ...MARCH, columns: ['queue', 'queue'] }, 'columns[1]', 'again', /once/],
    ['no columns', { ...MARCH, columns: [] }, 'columns', '[]', /column/],
    ['columns as text', { ...MARCH, columns: 'queue' }, 'columns', '"queue"', /array/],
    [
      'a filter on an unknown field',
      { ...MARCH, where: [{ field: 'qeue', op: '=', values: ['x'] }] },
      'where[0]',
      '"qeue"',
      /queue/,
    ],
    [
      'an unknown operator',
      { ...MARCH, where: [{ field: 'queue', op: '<>', values: ['x'] }] },
      'where[0].op',
      '"<>"',
      /!=/,
    ],
    [
      'a filter without values',
      { ...MARCH, where: [{ field: 'queue', op: '=' }] },
      'where[0].values',
      'nothing',
      /array/,
    ],
    [
      'a filter value of another type',
      { ...MARCH, where: [{ field: 'wait_seconds', op: '>=', values: ['long'] }] },
      'where[0]',
      '"long"',
      /number/,
    ],
    ['an unknown parameter', { ...MARCH, params: { sla: 1 } }, 'params.sla', '1', /service_level/],
    [
      'a parameter out of range',
      { ...MARCH, params: { service_level_seconds: -1 } },
      'params.service_level_seconds',
      '-1',
      /0 to/,
    ],
    ['an unknown locale', { ...MARCH, locale: 'fr' }, 'locale', '"fr"', /pt-BR/],
    ['unknown headers', { ...MARCH, headers: 'none' }, 'headers', '"none"', /labels/],
    ['unknown cell_refs', { ...MARCH, cell_refs: 'yes' }, 'cell_refs', '"yes"', /auto/],
    ['an unknown member', { ...MARCH, colums: [] }, 'colums', 'not known', /columns/],
    ['NUL in a text', { ...MARCH, zone: 'UTC\0' }, 'zone', 'UTC', /NUL/],
    ['half a surrogate pair', { ...MARCH, zone: '\ud800' }, 'zone', 'ud800', /Unicode/],
    ['a list for a body', [MARCH], 'body', '[', /object/],
    ['null for a body', null, 'body', 'null', /object/],
  ];
  it.each(cases)('%s', async (_, body, where, got, expected) => {
    const answer = await send('POST', '/v1/exports', body);
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(answer.statusCode).toBeLessThan(500);
    const problem = expectProblem(answer);
    if (where) expect(problem.where).toContain(where);
    expect(problem.got).toContain(got);
    expect(problem.code === 'E_UNKNOWN_ZONE' || problem.code === 'E_DATE').toBe(
      expected.source === '-',
    );
    if (expected.source !== '-') expect(problem.expected).toMatch(expected);
  });

  it('names every field that has the wrong shape at once', async () => {
    const problem = expectProblem(await send('POST', '/v1/exports', { report: 1, from: 2 }));
    expect(problem.errors.map(({ where }: { where: string }) => where)).toEqual([
      'report',
      'from',
      'to',
      'format',
    ]);
  });

  it.each([
    ['prefer', 'wait=soon', 'Prefer'],
    ['prefer', 'wait=-1', 'Prefer'],
    ['idempotency-key', 'has space', 'Idempotency-Key'],
    ['idempotency-key', 'x'.repeat(256), 'Idempotency-Key'],
  ])('header %s: %s', async (name, value, where) => {
    const answer = await api.server.inject({
      method: 'POST',
      url: '/v1/exports',
      headers: { ...api.asA, [name]: value },
      payload: MARCH,
    });
    expect([answer.statusCode, expectProblem(answer).where]).toEqual([400, where]);
  });
});

describe('wrong addresses and arguments', () => {
  it.each([
    ['/v1/exports?limit=0', 'limit'],
    ['/v1/exports?limit=1e9', 'limit'],
    ['/v1/exports?limit=x', 'limit'],
    ['/v1/exports?limt=5', 'limt'],
    ['/v1/exports?cursor=abc', 'cursor'],
    ['/v1/exports?cursor=%00', 'cursor'],
    ['/v1/exports?limit=1&limit=2', 'limit'],
    ['/v1/runs?status=finished', 'status'],
    ['/v1/reports?locale=fr', 'locale'],
    ['/v1/reports/queues/summary?to=2026-03-01', 'from'],
    ['/v1/reports/queues/summary?from=2026-03-01', 'to'],
    ['/v1/reports/queues/summary?from=x&to=2026-03-01', 'from'],
    ['/v1/reports/queues/summary?from=2026-03-01&to=2026-03-01&where=queue', 'where'],
    ['/v1/reports/queues/summary?from=2026-03-01&to=2026-03-01&where=%5B%7B%7D%5D', 'where'],
    ['/v1/reports/queues/summary?from=2026-03-01&to=2026-03-01&where=%5Bx', 'where'],
    ['/v1/reports/queues/summary?from=2026-03-01&to=2026-03-01&params=x', 'params'],
    ['/v1/reports/queues/summary?from=2026-03-01&to=2026-03-01&params=x%3D1', 'params.x'],
    ['/v1/reports/queues/summary?from=2026-03-01&to=2026-03-01&zone=X', 'zone'],
    ['/v1/reports/queues/summary?from=2026-03-01&to=2026-03-01&by=colour', 'by'],
  ])('%s names %s', async (url, where) => {
    const answer = await send('GET', url);
    expect([400, 422]).toContain(answer.statusCode);
    expect(expectProblem(answer).where).toContain(where);
  });

  it('an unknown report of a summary is named', async () => {
    const answer = await send('GET', '/v1/reports/nope/summary?from=2026-03-01&to=2026-03-01');
    expect(expectProblem(answer)).toMatchObject({ code: 'E_UNKNOWN_REPORT', got: '"nope"' });
  });

  it.each(['/nope', '/v1', '/v1/export', '/v1/exports/x/y', '/v1/exports//file', '/%2e%2e/etc'])(
    '%s is a 404 problem',
    async (url) => {
      const answer = await send('GET', url);
      expect([answer.statusCode, expectProblem(answer).code]).toEqual([404, 'E_NOT_FOUND']);
    },
  );

  it.each([
    ['PUT', '/v1/exports', 'GET, HEAD, POST'],
    ['PATCH', '/v1/exports/1', 'DELETE, GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/v1/exports', 'GET, HEAD, POST'],
    ['HEAD', '/v1/exports/1/events', 'GET'],
    ['QUERY', '/v1/runs', 'GET, HEAD'],
  ] as const)('%s %s is a 405 that lists %s', async (method, url, allow) => {
    const answer = await api.server.inject({ method, url, headers: api.asA });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, allow]);
    if (method !== 'HEAD') expect(expectProblem(answer).code).toBe('E_METHOD');
  });

  it('a broken percent-encoding is a 400 problem', async () => {
    const answer = await send('GET', '/v1/exports/%zz');
    expect(answer.statusCode).toBe(400);
    expect(JSON.parse(answer.body).code).toBe('E_USAGE');
  });

  it('an id of 10,000 characters is an unknown id', async () => {
    const answer = await send('GET', `/v1/exports/${'a'.repeat(10_000)}`);
    expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([404, 'E_NOT_FOUND']);
  });
});

describe('bodies', () => {
  const raw = (payload: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
    api.server.inject({
      method: 'POST',
      url: '/v1/exports',
      headers: { ...api.asA, ...headers },
      payload,
    });

  it.each([
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/json; charset=latin1',
    'application/json, text/plain',
    'application/json;',
    'application/problem+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '\tapplication/jso\tn',
    'application/json\ta',
    '',
  ])('of type %j are refused with 415', async (type) => {
    const answer = await raw(JSON.stringify(MARCH), { 'content-type': type });
    expect([answer.statusCode, expectProblem(answer).code]).toEqual([415, 'E_MEDIA_TYPE']);
  });

  it.each(['application/json', 'Application/JSON', 'application/json;charset=utf-8'])(
    'of type %j are read',
    async (type) => {
      expect((await raw(JSON.stringify(MARCH), { 'content-type': type })).statusCode).toBe(202);
    },
  );

  it.each([
    ['nothing', ''],
    ['half of JSON', '{"report":'],
    ['two documents', '{} {}'],
    ['a BOM', '\ufeff{}'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['NaN', 'NaN'],
    ['200,000 open brackets', '['.repeat(200_000)],
    ['200,000 nested objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['brackets behind an escaped quote', `["\\"",${'['.repeat(50)}${']'.repeat(50)}]`],
  ])('of %s are a 400 that says so', async (_, payload) => {
    const answer = await raw(payload);
    expect(answer.statusCode).toBe(400);
    expect(expectProblem(answer)).toMatchObject({ code: 'E_USAGE', where: 'body' });
  });

  it('with __proto__ or constructor tricks change nothing and are refused', async () => {
    for (const text of [
      '{"__proto__":{"report":"queues"},"from":"2026-03-01","to":"2026-03-01","format":"csv"}',
      '{"constructor":{"prototype":{"x":1}}}',
      '{"params":{"__proto__":{"polluted":1}},"report":"queues","from":"2026-03-01","to":"2026-03-01","format":"csv"}',
    ]) {
      expect((await raw(text)).statusCode).toBe(422);
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('of more than 1 MiB are a 413 that tells the limit', async () => {
    const answer = await raw(JSON.stringify({ ...MARCH, zone: 'x'.repeat(1 << 20) }));
    expect(answer.statusCode).toBe(413);
    expect(expectProblem(answer)).toMatchObject({ code: 'E_TOO_LARGE', where: 'body' });
  });

  it('of a million items are refused without reading them all', async () => {
    const answer = await raw(`[${'1,'.repeat(400_000)}1]`);
    expect(answer.statusCode).toBe(422);
  });
});

describe('the rate limit', () => {
  it('answers 429 with Retry-After, counts per tenant, and tells what is left', async () => {
    const tight = await startApi({ rateLimit: new RateLimiterMemory({ points: 3, duration: 60 }) });
    try {
      const get = (headers: Record<string, string>) =>
        tight.server.inject({ method: 'GET', url: '/v1/reports', headers });
      const left = [];
      for (let i = 0; i < 3; i++) left.push((await get(tight.asA)).headers['ratelimit-remaining']);
      expect(left).toEqual(['2', '1', '0'].map((text) => Number(text)).map(String));
      const refused = await get(tight.asA);
      expect(refused.statusCode).toBe(429);
      expect(expectProblem(refused).code).toBe('E_RATE_LIMITED');
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(refused.headers['ratelimit-limit']).toBe('3');
      expect((await get(tight.asB)).statusCode).toBe(200);
      expect((await tight.server.inject({ method: 'GET', url: '/healthz' })).statusCode).toBe(200);
    } finally {
      await tight.close();
    }
  });

  it('bounds guessing of keys by address', async () => {
    const tight = await startApi({ rateLimit: new RateLimiterMemory({ points: 3, duration: 60 }) });
    try {
      const codes = [];
      for (let i = 0; i < 5; i++) {
        const authorization = `Bearer dbk_${'0'.repeat(16)}_${String(i).repeat(48)}`;
        const answer = await tight.server.inject({
          method: 'GET',
          url: '/v1/reports',
          headers: { authorization },
        });
        codes.push(answer.statusCode);
      }
      expect(codes).toEqual([401, 401, 401, 429, 429]);
    } finally {
      await tight.close();
    }
  });

  it('whose store does not answer lets requests through', async () => {
    const broken = await startApi({
      rateLimit: { points: 1, consume: () => Promise.reject(new Error('store is away')) },
    });
    try {
      const answer = await broken.server.inject({
        method: 'GET',
        url: '/v1/reports',
        headers: broken.asA,
      });
      expect(answer.statusCode).toBe(200);
    } finally {
      await broken.close();
    }
  });
});
