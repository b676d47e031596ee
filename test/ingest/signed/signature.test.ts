import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildServer } from '../../../src/api/server.ts';
import { installationKeys } from '../../../src/delivery/installation-secret.ts';
import { createIngestKey } from '../../../src/ingest/signed/create-key.ts';
import { parseSecret } from '../../../src/ingest/signed/secret.ts';
import { openBodyCheck } from '../../../src/ingest/signed/signature.ts';
import { openReceiver, type Receiver } from './support/receiver.ts';
import { callRows, ndjson, type SenderKey, type Signed, sign } from './support/sender.ts';

const BODY = ndjson(callRows(0, 2));
let to: Receiver;
let ofB: SenderKey;
beforeAll(async () => {
  to = await openReceiver();
  ofB = await to.createKey({ name: 'of b' }, to.api.asB);
});
afterAll(() => to.api.close());

const withHeaders = (signed: Signed, headers: Record<string, string>): Signed => ({
  ...signed,
  headers: { ...signed.headers, ...headers },
});
const seconds = () => Math.floor(Date.now() / 1000);

async function statusesOf(cases: Readonly<Record<string, Signed>>): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, signed] of Object.entries(cases)) {
    const { status } = await to.post(signed);
    if (status !== 401) wrong.push(`${name}: ${status}`);
  }
  return wrong;
}

describe('a timestamp', () => {
  it('is taken up to 300 s off, either way', async () => {
    for (const off of [-290, -1, 0, 1, 290]) {
      const { status } = await to.post(sign(to.key, BODY, { timestamp: String(seconds() + off) }));
      expect(status, String(off)).toBe(202);
    }
  });

  it('is refused with 401 in 40 other forms, though each is signed well', async () => {
    const now = seconds();
    const texts = [
      ...['', ' ', 'NaN', 'null', 'undefined', 'Infinity', '-Infinity', '0', '-1', '1', '[]', '{}'],
      ...[-301, -302, -600, -3600, -86_400, 305, 306, 600, 3600, 86_400].map((d) =>
        String(now + d),
      ),
      ...[`${now}000`, `${now}abc`, `abc${now}`, `+${now}`, `-${now}`, `${now}.0`, `${now}.`],
      ...[`0${now}`, `00${now}`, `${now}e0`, `0x${now.toString(16)}`, `${now}n`, `${now},${now}`],
      ...[
        `${now} ${now}`,
        `t=${now}`,
        `"${now}"`,
        new Date(now * 1000).toISOString(),
        '9999999999',
      ],
      ...['1700abc', `${now}\t1`],
    ];
    expect(new Set(texts).size).toBeGreaterThanOrEqual(40);
    const cases = Object.fromEntries(
      texts.map((timestamp) => [timestamp, sign(to.key, BODY, { timestamp })]),
    );
    expect(await statusesOf(cases)).toEqual([]);
  });
});

describe('a signature or a key', () => {
  it('is refused with 401 in 60 wrong forms, and nothing is stored', async () => {
    const good = () => sign(to.key, BODY);
    const signature = good().headers['webhook-signature'];
    const base64 = signature.slice(3);
    const given = (text: string) => withHeaders(good(), { 'webhook-signature': text });
    const secretOf = (secret: string) => sign({ id: to.key.id, secret }, BODY);
    const shown = (bytes: Buffer) => `whsec_${bytes.toString('base64')}`;
    const real = Buffer.from(to.key.secret.slice(6), 'base64');
    const ownTime = { timestamp: String(seconds()), id: 'one' };
    const fits = sign(to.key, BODY, ownTime);
    const without = (name: string): Signed => {
      const { [name]: _, ...headers } = good().headers;
      return { ...good(), headers };
    };
    const cases: Record<string, Signed> = {
      'an empty signature': given(''),
      'no signature': without('webhook-signature'),
      'no id': without('webhook-id'),
      'no timestamp': without('webhook-timestamp'),
      'no key id': without('webhook-key-id'),
      'a signature of other bytes': { ...good(), payload: Buffer.from(`${BODY} `) },
      'a signature of no bytes': { ...sign(to.key, ''), payload: Buffer.from(BODY) },
      'the key of another tenant under our id': sign({ ...ofB, id: to.key.id }, BODY),
      'our key under the id of another tenant': sign({ ...to.key, id: ofB.id }, BODY),
      'another id of the message': withHeaders(fits, { 'webhook-id': 'two' }),
      'another second': withHeaders(fits, { 'webhook-timestamp': String(seconds() + 1) }),
      'an id with a full stop': sign(to.key, BODY, { id: 'a.b' }),
      'an id with a space': sign(to.key, BODY, { id: 'a b' }),
      'an empty id': sign(to.key, BODY, { id: '' }),
      'an id of 201 characters': sign(to.key, BODY, { id: 'x'.repeat(201) }),
      'the secret as text': secretOf(shown(Buffer.from(to.key.secret))),
      'the empty secret': secretOf('whsec_'),
      'a secret of zeros': secretOf(shown(Buffer.alloc(32))),
      'a secret of spaces': secretOf(shown(Buffer.alloc(32, 32))),
      'half of the secret': secretOf(shown(real.subarray(0, 16))),
      'the secret and a byte more': secretOf(shown(Buffer.concat([real, Buffer.alloc(1, 1)]))),
      'the secret with a bit changed': secretOf(shown(Buffer.from(real.map((b, i) => b ^ +!i)))),
      '17 signatures': given(Array.from({ length: 17 }, () => signature).join(' ')),
      'two headers of it in one': given(`${signature},${signature}`),
    };
    for (const id of [
      '',
      ' ',
      'x',
      'dbi_',
      'dbi_0000000000000000',
      `${to.key.id}0`,
      `${to.key.id} `,
      to.key.id.toUpperCase(),
      to.key.id.slice(0, -1),
      `${to.key.id},${to.key.id}`,
      "' or 1=1",
      '\u00e9',
      '../x',
      '__proto__',
      'constructor',
      to.api.a.id,
    ]) {
      cases[`key id ${JSON.stringify(id)}`] = withHeaders(good(), { 'webhook-key-id': id });
    }
    for (const text of [
      base64,
      `v1:${base64}`,
      `v1, ${base64}`,
      `V1,${base64}`,
      `v1a,${base64}`,
      `v2,${base64}`,
      `v1=${base64}`,
      `v1,${base64.slice(0, -1)}`,
      `v1,${base64}=`,
      `v1,${base64}AA`,
      `v1,${base64.replace(/.$/, '%')}`,
      'v1,',
      'v1',
      ',',
      ' ',
      'v1,null',
      'v1,undefined',
      'v1,NaN',
      `v1,${'A'.repeat(43)}=`,
      `v1,${Buffer.from(base64, 'base64').toString('hex')}`,
      'zz',
      '[]',
      `v1,${'='.repeat(44)}`,
      `v1,${base64}\t`,
      `v1a,${base64} v2,${base64}`,
    ]) {
      cases[`signature ${JSON.stringify(text)}`] = given(text);
    }
    expect(Object.keys(cases).length).toBeGreaterThanOrEqual(60);
    const before = await stored();
    expect(await statusesOf(cases)).toEqual([]);
    expect(await stored()).toBe(before);
  });

  it('is taken wherever it stands among others, as when a sender changes its key', async () => {
    const signed = sign(to.key, BODY);
    const others = `v1,${'A'.repeat(43)}= v1a,AAAA`;
    for (const text of [
      `${others} ${signed.headers['webhook-signature']}`,
      `${signed.headers['webhook-signature']} ${others}`,
    ]) {
      const { status } = await to.post(withHeaders(signed, { 'webhook-signature': text }));
      expect(status).toBe(202);
    }
  });

  async function stored(): Promise<number> {
    const answer = await to.api.server.inject({
      url: '/v1/ingest/batches?limit=500',
      headers: to.api.asA,
    });
    return answer.json().items.length;
  }
});

describe('a secret', () => {
  it('below 24 bytes, or none, is refused when a key is made and when one is used', async () => {
    const shown = (length: number) => `whsec_${Buffer.alloc(length, 7).toString('base64')}`;
    for (const secret of [
      '',
      'whsec_',
      shown(1),
      shown(23),
      shown(513),
      'whsec_****',
      'plain text of thirty-two letters',
    ]) {
      await expect(to.createKey({ name: 'weak', secret }), secret).rejects.toThrow('E_INVALID');
    }
    for (const secret of ['', ' ', 'x'.repeat(23)]) {
      const body = { name: 'weak', scheme: 'token', secret };
      await expect(to.createKey(body), secret).rejects.toThrow('E_INVALID');
    }
    expect(parseSecret(shown(24), true)).toHaveLength(24);
    const rules = { scheme: 'hmac', header: 'x', prefix: '', idHeader: null } as const;
    const empty = createHmac('sha256', '').update('').digest('hex');
    expect(() => openBodyCheck(rules, Buffer.alloc(0), { x: [empty] }, 0)).toThrow(
      'no signature fits',
    );
  });

  it('stands nowhere in the database, and is told once', async () => {
    const secret = Buffer.from(to.key.secret.slice(6), 'base64');
    const [row] = await to.api.db.database.asOwner((tx) =>
      tx.query<{ sealed: Buffer; text: string }>(
        'select sealed_secret as sealed, k::text as text from daybook.ingest_keys k where id = $1',
        [to.key.id],
      ),
    );
    expect(row.sealed.includes(secret)).toBe(false);
    expect(row.text).not.toContain(secret.toString('hex'));
    const answer = await to.api.server.inject({ url: '/v1/ingest/keys', headers: to.api.asA });
    expect(answer.body).not.toContain(to.key.secret.slice(6, 20));
    expect(to.api.logged.join('')).not.toContain(to.key.secret.slice(6, 20));
  });

  it('that another installation sealed is no key here, and says so as 503', async () => {
    const other = await to.api.db.database.asTenant(to.api.a.id, (tx) =>
      createIngestKey(
        tx,
        {
          ...{ tenantId: to.api.a.id, name: 'moved', source: null, scheme: 'standard' },
          ...{ secret: null, header: null, prefix: null, idHeader: null, datasets: [], maps: {} },
          ...{ createdBy: 'test', expiresAt: null },
        },
        installationKeys('another secret of thirty-two chars'),
      ),
    );
    expect((await to.post(sign(other, BODY))).status).toBe(503);
  });
});

describe('other schemes', () => {
  const secret = 'a secret that a sender chose long ago';
  const send = (headers: Record<string, string>, payload = BODY) =>
    to.post({
      headers: { 'content-type': 'application/x-ndjson', ...headers },
      payload: Buffer.from(payload),
    });
  const hex = (text: string) => createHmac('sha256', secret).update(text).digest('hex');

  it('take a hex HMAC in a named header; the id is the hash of the body', async () => {
    const { id } = await to.createKey({
      ...{ name: 'hub', scheme: 'hmac', secret, header: 'X-Hub-Signature-256', prefix: 'sha256=' },
    });
    const key = { 'webhook-key-id': id };
    const first = await send({ ...key, 'x-hub-signature-256': `sha256=${hex(BODY)}` });
    expect(first.status).toBe(202);
    expect(
      await send({ ...key, 'x-hub-signature-256': `sha256=${hex(BODY).toUpperCase()}` }),
    ).toEqual(first);
    for (const text of [
      hex(BODY),
      `sha256=${hex('other')}`,
      'sha256=',
      `sha1=${hex(BODY)}`,
      `sha256=${hex(BODY)}0`,
      `sha256=${'z'.repeat(64)}`,
    ]) {
      expect((await send({ ...key, 'x-hub-signature-256': text })).status, text).toBe(401);
    }
    expect((await send(key)).status).toBe(401);
  });

  it('take an id from a named header', async () => {
    const { id } = await to.createKey({
      ...{
        name: 'with id',
        scheme: 'hmac',
        secret,
        header: 'x-signature',
        id_header: 'x-delivery',
      },
    });
    const of = (delivery: string, body = BODY) =>
      send({ 'webhook-key-id': id, 'x-signature': hex(body), 'x-delivery': delivery }, body);
    const first = await of('1');
    expect(await of('1')).toEqual(first);
    expect((await of('2')).body.batch).not.toBe(first.body.batch);
    expect((await of('1', `${BODY}\n`)).status).toBe(409);
  });

  it('take a token that never changes, and nothing like it', async () => {
    const { id } = await to.createKey({ name: 'static', scheme: 'token', secret });
    const key = { 'webhook-key-id': id };
    expect((await send({ ...key, authorization: `Bearer ${secret}` })).status).toBe(202);
    for (const text of [
      'Bearer ',
      `Bearer ${secret} `.concat('x'),
      `Bearer ${secret.slice(1)}`,
      secret,
      `Basic ${secret}`,
    ]) {
      expect((await send({ ...key, authorization: text })).status, text).toBe(401);
    }
  });

  it('may name the key in the address', async () => {
    const { id } = await to.createKey({ name: 'by address', scheme: 'token', secret });
    const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${secret}` };
    const answer = await to.api.server.inject({
      ...{ method: 'POST', url: `/v1/ingest/calls?key=${id}`, headers, payload: BODY },
    });
    expect(answer.statusCode).toBe(202);
  });
});

describe('a key', () => {
  it('signs only the datasets that it may', async () => {
    const key = await to.createKey({ name: 'lines', datasets: ['order_lines'] });
    expect((await to.post(sign(key, BODY))).status).toBe(403);
    expect((await to.post(sign(key, '{"order_id":"1"}\n'), 'order_lines')).status).toBe(202);
    expect((await to.post(sign(key, BODY), 'nothing')).status).toBe(404);
  });

  it('is refused when it has expired, and is not made with a past end', async () => {
    const past = new Date(Date.now() - 1000).toISOString();
    await expect(to.createKey({ name: 'past', expires_at: past })).rejects.toThrow('E_INVALID');
    const key = await to.createKey({
      name: 'ending',
      expires_at: new Date(Date.now() + 60_000).toISOString(),
    });
    await to.api.db.database.asOwner((tx) =>
      tx.run(`update daybook.ingest_keys set expires_at = now() where id = $1`, [key.id]),
    );
    expect((await to.post(sign(key, BODY))).status).toBe(401);
  });

  it('that is revoked is refused by every API process within 5 s; its successor works at once', async () => {
    const other = await buildServer({ ...to.api.deps });
    try {
      const key = await to.createKey({ name: 'old' });
      const body = BODY;
      const tell = async () => {
        const statuses = await Promise.all(
          [to.api.server, other].map((server) =>
            server.inject({ method: 'POST', url: '/v1/ingest/calls', ...sign(key, body) }),
          ),
        );
        return statuses.map(({ statusCode }) => statusCode);
      };
      expect(await tell()).toEqual([202, 202]);
      const next = await to.createKey({ name: 'new', source: 'old' });
      expect(
        (
          await to.api.server.inject({
            method: 'DELETE',
            url: `/v1/ingest/keys/${key.id}`,
            headers: to.api.asA,
          })
        ).statusCode,
      ).toBe(204);
      const since = performance.now();
      let statuses = await tell();
      while (statuses.includes(202) && performance.now() - since < 5_000) statuses = await tell();
      expect(statuses).toEqual([401, 401]);
      expect((await to.post(sign(next, body))).status).toBe(202);
    } finally {
      await other.close();
    }
  });
});
