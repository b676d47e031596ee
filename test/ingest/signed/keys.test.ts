import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildServer } from '../../../src/api/server.ts';
import { openReceiver, type Receiver } from './support/receiver.ts';
import { callRows, ndjson, sign } from './support/sender.ts';

const BODY = ndjson(callRows(0, 2));
let to: Receiver;
beforeAll(async () => {
  to = await openReceiver();
});
afterAll(() => to.api.close());

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
