import { createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTokenVerifier, jwtSettingsFrom } from '../../src/api/supabase-token.ts';
import { addMember, addOperator } from '../../src/store/members.ts';
import { startApi, type TestApi } from './support.ts';

/** Tokens are put together by hand: a library would refuse to make most of these. */

const ISSUER = 'https://project.supabase.co/auth/v1';
const ALICE = '11111111-1111-4111-8111-111111111111';
const BOB = '22222222-2222-4222-8222-222222222222';
const OPERA = '33333333-3333-4333-8333-333333333333';
const STRANGER = '44444444-4444-4444-8444-444444444444';
const NOW = 1_800_000_000;
const OCT_SECRET = 'another secret, which stands in the key set';
const SECRET = 'a secret of at least thirty-two characters';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const strangerRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const join = (header: object, claims: unknown, signer: (input: string) => Buffer) => {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${signer(input).toString('base64url')}`;
};
const rs256 = (key: KeyObject) => (input: string) =>
  createSign('RSA-SHA256').update(input).sign(key);
const es256 = (key: KeyObject) => (input: string) =>
  sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
const hmac =
  (secret: string | Buffer, hash = 'sha256') =>
  (input: string) =>
    createHmac(hash, secret).update(input).digest();

const claims = (changes: object = {}) => ({
  iss: ISSUER,
  aud: 'authenticated',
  sub: ALICE,
  role: 'authenticated',
  iat: NOW - 60,
  exp: NOW + 3600,
  ...changes,
});
const RS = { alg: 'RS256', typ: 'JWT', kid: 'rsa-1' };
const good = (changes: object = {}, header: object = RS) =>
  join(header, claims(changes), rs256(rsa.privateKey));

let api: TestApi;
let secretApi: TestApi;
let keys: Server;
let jwksUrl: string;
beforeAll(async () => {
  keys = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end(
      JSON.stringify({
        keys: [
          { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa-1', use: 'sig' },
          { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec-1', use: 'sig' },
          { kty: 'oct', kid: 'oct-1', k: Buffer.from(OCT_SECRET).toString('base64url') },
        ],
      }),
    ),
  );
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks.json`;
  const now = () => NOW * 1000;
  const jwt = { issuer: ISSUER, audience: 'authenticated' };
  api = await startApi({ now, jwt: { ...jwt, keys: { jwksUrl } } });
  secretApi = await startApi({ now, jwt: { ...jwt, keys: { secret: SECRET } } });
  for (const { db, a, b } of [api, secretApi]) {
    await db.database.asSystem(async (tx) => {
      await addMember(tx, { tenantId: a.id, userId: ALICE, roles: ['viewer'] });
      await addMember(tx, { tenantId: a.id, userId: BOB, roles: ['viewer'] });
      await addMember(tx, { tenantId: b.id, userId: BOB, roles: ['admin'] });
      await addOperator(tx, OPERA, null);
    });
  }
});
afterAll(async () => {
  await api.close();
  await secretApi.close();
  keys.close();
});

const ask = (token: string, headers: Record<string, string> = {}, at = api, url = '/v1/reports') =>
  at.server.inject({
    method: 'GET',
    url,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });

describe('a good token', () => {
  it('of either public-key algorithm, or of the shared secret, is let in', async () => {
    const es = join({ alg: 'ES256', kid: 'ec-1' }, claims(), es256(ec.privateKey));
    const hs = join({ alg: 'HS256', typ: 'JWT' }, claims(), hmac(SECRET));
    expect((await ask(good())).statusCode).toBe(200);
    expect((await ask(es)).statusCode).toBe(200);
    expect((await ask(hs, {}, secretApi)).statusCode).toBe(200);
  });

  it('acts for the tenant that the membership table says, never the token', async () => {
    const token = good({
      user_metadata: { tenant_id: api.b.id, roles: ['owner'] },
      app_metadata: { tenant_id: api.b.id, roles: ['owner'] },
    });
    const members = (await ask(token, {}, api, '/v1/members')).json();
    expect(members.items.map(({ user_id }: { user_id: string }) => user_id).sort()).toEqual([
      ALICE,
      BOB,
    ]);
    expect((await ask(token, {}, api, '/v1/keys')).statusCode).toBe(403);
    expect((await ask(token, { 'x-daybook-tenant': api.b.id })).statusCode).toBe(404);
  });

  it('of a member of several tenants must say which, and then has the roles of that one', async () => {
    const token = good({ sub: BOB });
    const unsaid = await ask(token);
    expect([unsaid.statusCode, unsaid.json().where]).toEqual([400, 'X-Daybook-Tenant']);
    expect(unsaid.json().expected).toBe('one of acme, bolt');
    const inA = await ask(token, { 'x-daybook-tenant': 'acme' }, api, '/v1/keys');
    const inB = await ask(token, { 'x-daybook-tenant': api.b.id }, api, '/v1/keys');
    expect([inA.statusCode, inB.statusCode]).toEqual([403, 200]);
  });

  it('of an operator works on any tenant that it names', async () => {
    const token = good({ sub: OPERA });
    expect((await ask(token)).statusCode).toBe(400);
    expect((await ask(token, { 'x-daybook-tenant': 'bolt' })).statusCode).toBe(200);
    expect((await ask(token, { 'x-daybook-tenant': 'nobody' })).statusCode).toBe(404);
  });

  it('of someone who belongs nowhere may nothing', async () => {
    expect((await ask(good({ sub: STRANGER }))).statusCode).toBe(403);
    const tried = await ask(good({ sub: STRANGER }), { 'x-daybook-tenant': 'acme' });
    const unknown = await ask(good({ sub: STRANGER }), { 'x-daybook-tenant': 'nobody' });
    expect([tried.statusCode, unknown.statusCode]).toEqual([404, 404]);
  });

  it('of a removed member is refused at the next request', async () => {
    const user = '55555555-5555-4555-8555-555555555555';
    await api.db.database.asSystem((tx) =>
      addMember(tx, { tenantId: api.a.id, userId: user, roles: ['viewer'] }),
    );
    expect((await ask(good({ sub: user }))).statusCode).toBe(200);
    await api.server.inject({ method: 'DELETE', url: `/v1/members/${user}`, headers: api.asA });
    expect((await ask(good({ sub: user }))).statusCode).toBe(403);
  });
});

describe('a hostile token is refused with 401', () => {
  const rsSigned = (header: object, body: unknown = claims()) =>
    join(header, body, rs256(rsa.privateKey));
  const [head, body, signature] = good().split('.');
  const none = Buffer.alloc(0);
  const hostile: [string, string][] = [
    ['alg none', join({ alg: 'none' }, claims(), () => none)],
    ['alg None', join({ alg: 'None' }, claims(), () => none)],
    ['alg NONE with a kid', join({ alg: 'NONE', kid: 'rsa-1' }, claims(), () => none)],
    ['alg none with a signature', rsSigned({ alg: 'none', kid: 'rsa-1' })],
    ['no alg', rsSigned({ kid: 'rsa-1' })],
    ['alg empty', rsSigned({ alg: '', kid: 'rsa-1' })],
    ['alg a list', rsSigned({ alg: ['RS256'], kid: 'rsa-1' })],
    [
      'HS256 with the public key as secret',
      join({ alg: 'HS256', kid: 'rsa-1' }, claims(), hmac(publicPem)),
    ],
    [
      'HS256 with the trimmed public key',
      join({ alg: 'HS256', kid: 'rsa-1' }, claims(), hmac(publicPem.trim())),
    ],
    [
      'HS256 with the modulus',
      join(
        { alg: 'HS256', kid: 'rsa-1' },
        claims(),
        hmac(Buffer.from(rsa.publicKey.export({ format: 'jwk' }).n as string, 'base64url')),
      ),
    ],
    [
      'HS256 by a symmetric key of the key set',
      join({ alg: 'HS256', kid: 'oct-1' }, claims(), hmac(OCT_SECRET)),
    ],
    ['HS256 with an empty secret', join({ alg: 'HS256' }, claims(), hmac(''))],
    ['HS512', join({ alg: 'HS512', kid: 'rsa-1' }, claims(), hmac(publicPem, 'sha512'))],
    [
      'RS512, which is not pinned',
      join({ ...RS, alg: 'RS512' }, claims(), (i) =>
        createSign('RSA-SHA512').update(i).sign(rsa.privateKey),
      ),
    ],
    ['PS256, which is not pinned', rsSigned({ ...RS, alg: 'PS256' })],
    ['another key under our kid', join(RS, claims(), rs256(strangerRsa.privateKey))],
    ['an unknown kid', rsSigned({ ...RS, kid: 'rsa-2' })],
    ['a kid that is a path', rsSigned({ ...RS, kid: '../../../../dev/null' })],
    ['a kid that is SQL', rsSigned({ ...RS, kid: "x' union select 'AA' --" })],
    ['a kid that is a command', rsSigned({ ...RS, kid: 'rsa-1|whoami' })],
    ['a kid with NUL', rsSigned({ ...RS, kid: 'rsa-1\0' })],
    [
      'its own key aboard (jwk)',
      join(
        { alg: 'RS256', jwk: strangerRsa.publicKey.export({ format: 'jwk' }) },
        claims(),
        rs256(strangerRsa.privateKey),
      ),
    ],
    [
      'its own key set (jku)',
      join(
        { alg: 'RS256', jku: 'http://127.0.0.1:1/keys', kid: 'evil' },
        claims(),
        rs256(strangerRsa.privateKey),
      ),
    ],
    [
      'its own certificate (x5u)',
      join(
        { alg: 'RS256', x5u: 'http://127.0.0.1:1/c', kid: 'evil' },
        claims(),
        rs256(strangerRsa.privateKey),
      ),
    ],
    ['an unknown critical header', rsSigned({ ...RS, crit: ['exp2'], exp2: 1 })],
    ['crit b64 with an unencoded payload', rsSigned({ ...RS, crit: ['b64'], b64: false })],
    ['expired', good({ exp: NOW - 60 })],
    ['without exp', good({ exp: undefined })],
    ['exp a text', good({ exp: String(NOW + 3600) })],
    ['not yet valid', good({ nbf: NOW + 600 })],
    ['another issuer', good({ iss: 'https://other.supabase.co/auth/v1' })],
    ['an issuer that begins like ours', good({ iss: `${ISSUER}.evil.example` })],
    ['no issuer', good({ iss: undefined })],
    ['another audience', good({ aud: 'anon' })],
    ['no audience', good({ aud: undefined })],
    ['service_role', good({ role: 'service_role' })],
    [
      'service_role for the audience too',
      good({ role: 'service_role', aud: ['authenticated', 'service_role'] }),
    ],
    ['anon', good({ role: 'anon' })],
    ['a list of roles', good({ role: ['authenticated', 'service_role'] })],
    ['no role', good({ role: undefined })],
    ['no subject', good({ sub: undefined })],
    ['a subject that is SQL', good({ sub: `${ALICE}' or '1'='1` })],
    ['a subject that is no UUID', good({ sub: 'admin' })],
    ['claims that are a list', rsSigned(RS, [claims()])],
    ['claims that are null', rsSigned(RS, null)],
    ['claims changed after signing', `${head}.${part(claims({ sub: BOB }))}.${signature}`],
    ['header changed after signing', `${part({ ...RS, typ: 'at+jwt' })}.${body}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['five parts', `${head}.${body}.${signature}.a.b`],
    ['an empty middle', `${head}..${signature}`],
    ['a padded signature', `${head}.${body}.${signature}==`],
    ['garbage', 'a.b.c'],
    ['a very long garbage', `${'a'.repeat(9000)}.b.c`],
    ['ES256 with an RSA key', rsSigned({ alg: 'ES256', kid: 'rsa-1' })],
    [
      'ES256 with an all-zero signature',
      join({ alg: 'ES256', kid: 'ec-1' }, claims(), () => Buffer.alloc(64)),
    ],
  ];
  it.each(hostile)('%s', async (_, token) => {
    for (const at of [api, secretApi]) {
      const answer = await ask(token, {}, at);
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe(
        'Bearer realm="daybook", error="invalid_token"',
      );
      expect(answer.json().code).toBe('E_UNAUTHENTICATED');
    }
  });

  it.each([
    ['no header', undefined],
    ['an empty one', ''],
    ['Basic', 'Basic YTpi'],
    ['Bearer without a token', 'Bearer '],
    ['two tokens', 'Bearer a b'],
    ['a token without a scheme', 'abc'],
  ])('%s', async (_, authorization) => {
    const answer = await api.server.inject({
      method: 'GET',
      url: '/v1/reports',
      headers: authorization === undefined ? {} : { authorization },
    });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="daybook"');
  });

  it('users’ tokens at all, where no provider is configured', async () => {
    const closed = await startApi();
    try {
      expect((await ask(good({ exp: 9_999_999_999 }), {}, closed)).statusCode).toBe(401);
    } finally {
      await closed.close();
    }
  });
});

it('a key set that does not answer is 503, not a verdict on the token', async () => {
  const verify = createTokenVerifier(
    { issuer: ISSUER, audience: 'authenticated', keys: { jwksUrl: 'http://127.0.0.1:1/jwks' } },
    () => NOW * 1000,
  );
  await expect(verify(good())).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
});

describe('settings', () => {
  const none = { url: null, secretKey: null, jwksUrl: null, jwtSecret: null };
  it('take the issuer and keys from the project, and demand it with a secret', () => {
    expect(jwtSettingsFrom(none)).toBeNull();
    expect(jwtSettingsFrom({ ...none, url: 'https://p.supabase.co/' })).toEqual({
      keys: { jwksUrl: 'https://p.supabase.co/auth/v1/.well-known/jwks.json' },
      issuer: 'https://p.supabase.co/auth/v1',
      audience: 'authenticated',
    });
    expect(() => jwtSettingsFrom({ ...none, jwtSecret: SECRET })).toThrow(/SUPABASE_URL/);
    expect(() => jwtSettingsFrom({ ...none, jwksUrl: 'https://x/keys' })).toThrow(/SUPABASE_URL/);
  });
});
