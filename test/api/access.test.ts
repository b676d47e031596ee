import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Access } from '../../src/api/access.ts';
import { may, SCOPES } from '../../src/principals/permissions.ts';
import type { KeyPrincipal } from '../../src/principals/principal.ts';
import { keyFor, MARCH, startApi, type TestApi } from './support.ts';

let api: TestApi;
const routes: { method: string; url: string; access: Access }[] = [];
beforeAll(async () => {
  api = await startApi();
  const document = api.server.swagger() as unknown as {
    paths: Record<string, Record<string, { 'x-daybook-action'?: Access }>>;
  };
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      routes.push({
        method: method.toUpperCase(),
        url: path.replace(/\{(\w+)\}/g, ':$1'),
        access: operation['x-daybook-action'] ?? 'public',
      });
    }
  }
});
afterAll(() => api.close());

const call = (method: string, url: string, headers: Record<string, string>, payload?: object) =>
  api.server.inject({
    method: method as 'GET',
    url,
    headers: { ...headers, ...(payload ? { 'content-type': 'application/json' } : {}) },
    ...(payload ? { payload } : {}),
  });

const concrete = (url: string) =>
  url.replace(':report', 'queues').replace(':dataset', 'calls').replace(/:\w+/g, randomUUID());
/** Open to whoever signs: what is sent here has neither a signature nor a type. */
const isSigned = (method: string, url: string) =>
  method === 'POST' && /^\/v1\/ingest\/:dataset(\/complete)?$/.test(url);

describe('every route for every scope', () => {
  it('lets in exactly whom the permission table names, before it looks at anything else', async () => {
    const cells: string[] = [];
    for (const scope of SCOPES.filter((each) => each !== 'tenants.manage')) {
      const headers = await keyFor(api.db, api.a.id, [scope]);
      const principal: KeyPrincipal = {
        kind: 'key',
        keyId: 'k',
        tenantId: api.a.id,
        scopes: [scope],
      };
      for (const { method, url, access } of routes) {
        // A body that no route takes: who may come in is told 422, not 403.
        const body = method === 'POST' ? { no: 'such field' } : undefined;
        const { statusCode } = await call(method, concrete(url), headers, body);
        const expected = access === 'public' || may(principal, access);
        if ((statusCode !== 403) !== expected)
          cells.push(`${scope} ${method} ${url} ${statusCode}`);
      }
    }
    expect(cells).toEqual([]);
    expect(routes.length).toBeGreaterThan(15);
  });

  it('refuses who does not say who they are, on all that is not public', async () => {
    for (const { method, url, access } of routes) {
      const { statusCode, headers } = await call(method, concrete(url), {});
      if (isSigned(method, url)) expect([401, 415], url).toContain(statusCode);
      // The token in the path is all that a trigger asks for.
      else if (url === '/v1/triggers/:id' && method === 'POST') expect(statusCode).toBe(404);
      else if (access === 'public') expect([200, 503], url).toContain(statusCode);
      else
        expect([statusCode, headers['www-authenticate']], url).toEqual([
          401,
          'Bearer realm="daybook"',
        ]);
    }
  });

  it('names who, the action and what it needs', async () => {
    const headers = await keyFor(api.db, api.a.id, ['load']);
    const answer = await call('GET', '/v1/exports', headers);
    expect(answer.json()).toMatchObject({
      code: 'E_FORBIDDEN',
      expected: expect.stringContaining('exports.read'),
    });
  });
});

describe("another tenant's things", () => {
  it('look exactly like things that are not there, on every route with an id', async () => {
    const { id } = (await call('POST', '/v1/exports', api.asA, MARCH)).json();
    await api.runner.finish(api.a.id, id);
    const [keyOfA] = (await call('GET', '/v1/keys', api.asA)).json().items;
    const user = randomUUID();
    await call('POST', '/v1/members', api.asA, { user_id: user, roles: ['viewer'] });
    const theirs = [
      ['GET', `/v1/exports/${id}`],
      ['HEAD', `/v1/exports/${id}`],
      ['DELETE', `/v1/exports/${id}`],
      ['GET', `/v1/exports/${id}/file`],
      ['HEAD', `/v1/exports/${id}/file`],
      ['GET', `/v1/exports/${id}/events`],
      ['GET', `/v1/runs/${id}`],
      ['DELETE', `/v1/keys/${keyOfA.id}`],
      ['DELETE', `/v1/members/${user}`],
    ];
    for (const [method, url] of theirs) {
      const own = [id, keyOfA.id, user].find((each) => url.includes(each)) ?? '';
      const unknown = own.length === 36 ? randomUUID() : own.replace(/./g, '0');
      const foreign = await call(method, url, api.asB);
      const absent = await call(method, url.replace(own, unknown), api.asB);
      const shape = (answer: typeof foreign, name: string) => [
        answer.statusCode,
        Object.keys(answer.headers).sort(),
        answer.body.replaceAll(name, 'ID').replace(/urn:uuid:[-0-9a-f]+/, 'URN'),
      ];
      expect(foreign.statusCode, url).toBe(404);
      expect(shape(foreign, own), url).toEqual(shape(absent, unknown));
    }
    expect((await call('GET', `/v1/exports/${id}`, api.asA)).json().status).toBe('done');
    expect((await call('GET', '/v1/keys', api.asA)).json().items[0].revoked_at).toBeNull();
  });

  it('are in no list', async () => {
    await call('POST', '/v1/exports', api.asA, MARCH);
    for (const url of ['/v1/exports', '/v1/runs', '/v1/members', '/v1/keys']) {
      const { items } = (await call('GET', url, api.asB)).json();
      expect(JSON.stringify(items)).not.toContain('acme');
      if (url !== '/v1/keys') expect(items, url).toEqual([]);
    }
  });

  it.each([
    '..',
    '%2e%2e%2f%2e%2e',
    "1' or '1'='1",
    '00000000-0000-0000-0000-00000000000g',
    '%00',
    '🦊',
  ])('the impossible id %j is an unknown one', async (id) => {
    const answer = await call('GET', `/v1/exports/${encodeURI(id)}/file`, api.asA);
    expect([404, 422]).toContain(answer.statusCode);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  it('cannot be reached by naming their tenant', async () => {
    const other = await call('GET', '/v1/exports', { ...api.asA, 'x-daybook-tenant': 'bolt' });
    const none = await call('GET', '/v1/exports', { ...api.asA, 'x-daybook-tenant': 'nope' });
    expect([other.statusCode, none.statusCode]).toEqual([404, 404]);
    expect(other.json().detail.replace('bolt', 'nope')).toBe(none.json().detail);
    const odd = await call('GET', '/v1/exports', { ...api.asA, 'x-daybook-tenant': 'a\u00e9;--' });
    expect(odd.statusCode).toBe(404);
  });
});

describe("an operator's key", () => {
  it('works on the tenant that the header names', async () => {
    const headers = await keyFor(api.db, null, ['admin']);
    expect((await call('GET', '/v1/exports', headers)).json()).toMatchObject({
      status: 400,
      where: 'X-Daybook-Tenant',
    });
    for (const tenant of ['bolt', api.b.id]) {
      const answer = await call(
        'POST',
        '/v1/exports',
        { ...headers, 'x-daybook-tenant': tenant },
        MARCH,
      );
      expect(answer.json().tenant).toBe('bolt');
    }
  });
});

describe('keys', () => {
  it('show their secret once, work at once, and are refused within 5 s of being revoked', async () => {
    let now = Date.now();
    const own = await startApi({ now: () => now });
    try {
      const send = (
        method: 'GET' | 'POST' | 'DELETE',
        url: string,
        headers: object,
        payload?: object,
      ) =>
        own.server.inject({
          method,
          url,
          headers: { ...headers },
          ...(payload ? { payload } : {}),
        });
      const created = await send('POST', '/v1/keys', own.asA, { name: 'ci', scopes: ['read'] });
      expect(created.statusCode).toBe(201);
      const { id, key } = created.json();
      expect(key).toMatch(/^dbk_[0-9a-f]{16}_[0-9a-f]{48}$/);
      const listed = await send('GET', '/v1/keys', own.asA);
      expect(listed.body).not.toContain(key.split('_')[2]);
      const headers = { authorization: `Bearer ${key}` };
      expect((await send('GET', '/v1/reports', headers)).statusCode).toBe(200);
      expect((await send('DELETE', `/v1/keys/${id}`, own.asA)).statusCode).toBe(204);
      now += 5_000;
      expect((await send('GET', '/v1/reports', headers)).statusCode).toBe(401);
    } finally {
      await own.close();
    }
  });

  it('created twice with one idempotency key are one key, whose secret is not kept', async () => {
    const headers = { ...api.asA, 'idempotency-key': 'make-key' };
    const body = { name: 'once', scopes: ['load'] };
    const first = (await call('POST', '/v1/keys', headers, body)).json();
    const again = await call('POST', '/v1/keys', headers, body);
    expect(again.json()).toEqual({ ...first, key: null });
    const stored = await api.db.database.asTenant(api.a.id, (tx) =>
      tx.query('select body::text from daybook.idempotency_keys'),
    );
    expect(JSON.stringify(stored)).not.toContain(first.key.split('_')[2]);
  });

  it('never hand on more than their maker has', async () => {
    const maker = await keyFor(api.db, api.a.id, ['keys.manage']);
    const more = await call('POST', '/v1/keys', maker, { name: 'x', scopes: ['read'] });
    const same = await call('POST', '/v1/keys', maker, { name: 'x', scopes: ['keys.manage'] });
    const operators = await call('POST', '/v1/keys', api.asA, {
      name: 'x',
      scopes: ['tenants.manage'],
    });
    expect([more.statusCode, same.statusCode, operators.statusCode]).toEqual([403, 201, 422]);
  });

  it.each([
    [{ scopes: ['read'] }, 'name'],
    [{ name: '', scopes: ['read'] }, 'name'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: ['all'] }, 'scopes'],
    [{ name: 'x', scopes: 'read' }, 'scopes'],
    [{ name: 'x', scopes: ['read'], expires_at: 'tomorrow' }, 'expires_at'],
    [{ name: 'x', scopes: ['read'], expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'x', scopes: ['read'], tenant: 'bolt' }, 'tenant'],
    [{ name: 'x\u0001', scopes: ['read'] }, 'name'],
  ])('%j is refused naming %s', async (body, where) => {
    const answer = await call('POST', '/v1/keys', api.asA, body);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().where).toContain(where);
  });
});

describe('members', () => {
  it('are added, given other roles, listed and removed', async () => {
    const user = randomUUID();
    const add = (roles: string[]) =>
      call('POST', '/v1/members', api.asA, { user_id: user, email: 'x@example.com', roles });
    expect((await add(['viewer'])).json()).toMatchObject({ user_id: user, roles: ['viewer'] });
    expect((await add(['analyst', 'viewer'])).json().roles).toEqual(['analyst', 'viewer']);
    expect((await call('DELETE', `/v1/members/${user}`, api.asA)).statusCode).toBe(204);
    expect((await call('DELETE', `/v1/members/${user}`, api.asA)).statusCode).toBe(404);
  });

  it('get no roles beyond those of who adds them, and owners are not removed by less', async () => {
    const manager = await keyFor(api.db, api.a.id, ['members.manage']);
    const user = randomUUID();
    const give = (roles: string[], headers: Record<string, string>) =>
      call('POST', '/v1/members', headers, { user_id: user, roles });
    expect((await give(['viewer'], manager)).statusCode).toBe(403);
    expect((await give(['owner'], api.asA)).statusCode).toBe(403);
    const operator = { ...(await keyFor(api.db, null, ['admin'])), 'x-daybook-tenant': 'acme' };
    expect((await give(['owner'], operator)).statusCode).toBe(200);
    expect((await give(['viewer'], api.asA)).statusCode).toBe(403);
    expect((await call('DELETE', `/v1/members/${user}`, api.asA)).statusCode).toBe(403);
  });
});

it('no secret, token or query reaches the log', async () => {
  const { token } = { token: api.asA.authorization.slice(7) };
  await call(
    'GET',
    `/v1/reports/queues/summary?from=2026-03-01&to=x&where=caller%3D5551234`,
    api.asA,
  );
  await call('GET', '/v1/exports', { authorization: 'Bearer dbk_0123_canary' });
  const log = api.logged.join('');
  expect(log).toContain('/v1/exports');
  for (const secret of [token, token.split('_')[2], 'canary', '5551234']) {
    expect(log.includes(secret), secret).toBe(false);
  }
});
