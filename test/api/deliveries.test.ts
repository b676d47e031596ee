import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outboxName } from '../../src/delivery/mail/outbox-transport.ts';
import { createSendStage } from '../../src/scheduler/send/send.ts';
import type { SendDeps } from '../../src/scheduler/send/send-deps.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { changeDeliverySettings } from '../../src/store/delivery-settings.ts';
import { SEALED } from '../delivery/mail/support/mails.ts';
import { addOwing, deliveriesOf, type Owing, owe } from '../scheduler/send/support/owed.ts';
import { sendDeps } from '../scheduler/send/support/stage.ts';
import { keyFor, startApi, type TestApi } from './support.ts';

let api: TestApi;
let deps: SendDeps;
let nowMs = Date.now();
beforeAll(async () => {
  api = await startApi({ now: () => nowMs });
  deps = sendDeps({ database: api.db.database, home: api.home }, { keys: api.deps.keys });
});
afterAll(() => api.close());

const owing = (of: Partial<Parameters<typeof addOwing>[2]> = {}): Promise<Owing> =>
  addOwing(api.db.database, api.home, { name: 'acme', tenant: api.a, ...of });
const pass = () =>
  createSendStage(deps, { atOnce: 4, mostOfTenant: 4 })(
    Date.now() + 1_000,
    new AbortController().signal,
  );
const state = async (id: string) =>
  (await deliveriesOf(api.db.database, api.a.id)).find((each) => each.id === id)?.state;
const end = (id: string, to: string, code: string) =>
  api.db.database.asTenant(api.a.id, (tx) =>
    tx.run('update daybook.deliveries set state = $2, last_code = $3 where id = $1', [
      ...[id, to, code],
    ]),
  );

/** The mail that went to an address, out of the outbox. */
async function mailTo(address: string) {
  const row = (await deliveriesOf(api.db.database, api.a.id))
    .filter(({ recipient }) => recipient === address)
    .at(-1);
  const name = outboxName({
    to: { address, local: '', domain: '', key: address },
    messageId: row?.messageId as string,
  });
  return PostalMime.parse(await readFile(join(api.home, 'outbox', name)));
}

describe('a delivery', () => {
  it('is shown with its attempts; of a hook its host alone', async () => {
    const of = await owing();
    const mail = await owe(api.db.database, of, { recipient: 'ana@example.com' });
    await pass();
    await owe(api.db.database, of, {
      ...{ kind: 'slack', recipient: 'https://hooks.slack.com/services/T0/hunter2' },
    });
    const { body } = await api.server.inject({ url: '/v1/deliveries', headers: api.asA });
    expect(body).not.toContain('hunter2');
    expect(JSON.parse(body).items[0].recipient).toBe('hooks.slack.com');
    const one = await api.server.inject({ url: `/v1/deliveries/${mail}`, headers: api.asA });
    expect(one.json()).toMatchObject({
      state: 'sent',
      recipient: 'ana@example.com',
      file: of.reportFileId,
      attempt_log: [{ attempt: 1, outcome: 'sent', via: 'outbox' }],
    });
  });

  it('is sent again when it failed or is held, under another Message-ID, and not when it was sent', async () => {
    const of = await owing();
    const id = await owe(api.db.database, of, { recipient: 'again@example.com' });
    await pass();
    const first = (await mailTo('again@example.com')).messageId;
    const resend = () =>
      api.server.inject({
        ...{ method: 'POST', url: `/v1/deliveries/${id}/resend`, headers: api.asA },
      });
    expect((await resend()).statusCode).toBe(409);
    for (const from of ['failed', 'held']) {
      await end(id, from, '550');
      expect((await resend()).statusCode).toBe(202);
      await pass();
      expect(await state(id)).toBe('sent');
    }
    expect((await mailTo('again@example.com')).messageId).not.toBe(first);
  });

  it('is called off, and a link to its file with it', async () => {
    const of = await owing({ spec: { maxAttachmentBytes: 0 } });
    const id = await owe(api.db.database, of, { recipient: 'off@example.com' });
    await pass();
    const { text } = await mailTo('off@example.com');
    const path = /https:\/\/reports\.acme\.example(\/d\/\S+)/.exec(text ?? '')?.[1] as string;
    expect((await api.server.inject({ url: path })).statusCode).toBe(200);
    await end(id, 'held', 'E_IN_DOUBT');
    const cancel = {
      method: 'POST',
      url: `/v1/deliveries/${id}/cancel`,
      headers: api.asA,
    } as const;
    expect((await api.server.inject(cancel)).json()).toMatchObject({ state: 'cancelled' });
    expect((await api.server.inject({ url: path })).statusCode).toBe(410);
    expect((await api.server.inject(cancel)).statusCode).toBe(409);
  });
});

describe('a link to a file', () => {
  it('shows a page, which gives the sealed bytes for a quarter of an hour, and ends after days', async () => {
    const of = await owing({ spec: { maxAttachmentBytes: 0 } });
    await owe(api.db.database, of, { recipient: 'link@example.com' });
    await pass();
    const { text } = await mailTo('link@example.com');
    const path = /https:\/\/reports\.acme\.example(\/d\/\S+)/.exec(text ?? '')?.[1] as string;
    const shown = await api.server.inject({ url: path });
    expect(shown.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
      'referrer-policy': 'no-referrer',
    });
    const file = /href="(\/d\/[^"]+)"/.exec(shown.body)?.[1].replaceAll('&#38;', '&') as string;
    const got = await api.server.inject({ url: file });
    expect(got.rawPayload.equals(SEALED)).toBe(true);
    expect(got.headers['content-disposition']).toMatch(/^attachment;/);

    for (const forged of [
      file.replace(/expires=\d+/, `expires=${Math.floor(nowMs / 1000) + 99_999}`),
      file.replace(/(signature=)(.)/, (_, name, first) => name + (first === 'A' ? 'E' : 'A')),
      file.replace(/signature=[^&]*/, 'signature='),
      file.replace(/[0-9a-f]{8}-/, '00000000-'),
      `${path}x`,
      `${path.slice(0, -1)}`,
      '/d/..%2f..%2fetc%2fpasswd',
      `/d/${'A'.repeat(43)}`,
    ]) {
      expect((await api.server.inject({ url: forged })).statusCode, forged).toBe(404);
    }
    const before = nowMs;
    nowMs += 16 * 60_000;
    expect((await api.server.inject({ url: file })).statusCode).toBe(404);
    expect((await api.server.inject({ url: path })).statusCode).toBe(200);
    nowMs += 15 * 86_400_000;
    expect((await api.server.inject({ url: path })).statusCode).toBe(410);
    nowMs = before;
  });

  it('ends when its owner may not send any more, or its domain is not allowed any more', async () => {
    const { id: keyId } = await api.db.database.asSystem((tx) =>
      createApiKey(tx, { tenantId: api.a.id, name: 'x', scopes: ['admin'], createdBy: 'test' }),
    );
    const of = await owing({ owner: `key:${keyId}`, spec: { maxAttachmentBytes: 0 } });
    await owe(api.db.database, of, { recipient: 'rights@example.com' });
    await pass();
    const { text } = await mailTo('rights@example.com');
    const path = /https:\/\/reports\.acme\.example(\/d\/\S+)/.exec(text ?? '')?.[1] as string;
    const status = async () => (await api.server.inject({ url: path })).statusCode;
    expect(await status()).toBe(200);
    const allow = (allowedDomains: string[] | null) =>
      api.db.database.asTenant(api.a.id, (tx) =>
        changeDeliverySettings(tx, { tenantId: api.a.id, by: 'test', to: { allowedDomains } }),
      );
    await allow(['other.example']);
    expect(await status()).toBe(410);
    await allow(null);
    expect(await status()).toBe(200);
    await api.db.database.asSystem((tx) =>
      tx.run('update daybook.api_keys set revoked_at = now() where id = $1', [keyId]),
    );
    expect(await status()).toBe(410);
  });
});

describe('an old link to a reconciliation', () => {
  it('ends when its owner may not reconcile any more, though other reports may still go out', async () => {
    const { id: keyId } = await api.db.database.asSystem((tx) =>
      createApiKey(tx, { tenantId: api.a.id, name: 'x', scopes: ['admin'], createdBy: 'test' }),
    );
    const of = await owing({
      owner: `key:${keyId}`,
      spec: { report: 'reconciliation', maxAttachmentBytes: 0 },
    });
    await owe(api.db.database, of, { recipient: 'finance@example.com' });
    await pass();
    const { text } = await mailTo('finance@example.com');
    const path = /https:\/\/reports\.acme\.example(\/d\/\S+)/.exec(text ?? '')?.[1] as string;
    const status = async () => (await api.server.inject({ url: path })).statusCode;
    expect(await status()).toBe(200);
    await api.db.database.asSystem((tx) =>
      tx.run('update daybook.api_keys set scopes = $2 where id = $1', [
        ...[keyId, ['schedules.manage', 'exports.create', 'reconciliations.read']],
      ]),
    );
    expect(await status()).toBe(410);
    const late = await owe(api.db.database, of, { recipient: 'late@example.com' });
    await pass();
    expect(await state(late)).toBe('suppressed');
  });
});

describe('unsubscribing', () => {
  it('takes one POST of a mail program, changes nothing on a look, and holds for that schedule', async () => {
    const of = await owing();
    await owe(api.db.database, of, { recipient: 'leaves@example.com' });
    await pass();
    const { headers } = await mailTo('leaves@example.com');
    const listed = headers.find(({ key }) => key === 'list-unsubscribe')?.value ?? '';
    const url = /https:\/\/reports\.acme\.example(\S+)>/.exec(listed)?.[1] as string;
    expect((await api.server.inject({ url })).body).toContain('<form method="post">');
    const items = async () =>
      (await api.server.inject({ url: '/v1/suppressions', headers: api.asA })).json().items;
    expect(await items()).toEqual([]);
    const click = {
      ...{ method: 'POST' as const, url, payload: 'List-Unsubscribe=One-Click' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    };
    for (const _ of [1, 2]) expect((await api.server.inject(click)).statusCode).toBe(200);
    const [only, ...more] = await items();
    expect(more).toEqual([]);
    expect(only).toMatchObject({ recipient: 'leaves@example.com', reason: 'unsubscribed' });
    expect(only.schedule_id).toBe(of.scheduleId);

    const other = await owing();
    const there = await owe(api.db.database, other, { recipient: 'leaves@example.com' });
    await pass();
    expect(await state(there)).toBe('sent');
    const lift = {
      method: 'DELETE' as const,
      url: `/v1/suppressions/${only.id}`,
      headers: api.asA,
    };
    expect((await api.server.inject(lift)).statusCode).toBe(204);
    for (const forged of [
      `${url}x`,
      url.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')),
      '/unsubscribe/x.y',
      '/unsubscribe/x',
    ]) {
      expect((await api.server.inject({ ...click, url: forged })).statusCode).toBe(404);
    }
  });

  it('aside, no route takes a form', async () => {
    const { statusCode } = await api.server.inject({
      ...{ method: 'POST', url: '/v1/keys', payload: 'name=x' },
      headers: { ...api.asA, 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(statusCode).toBe(415);
  });
});

describe('a test', () => {
  const test = (schedule: string, payload: object) =>
    api.server.inject({
      ...{ method: 'POST', url: `/v1/schedules/${schedule}/test`, headers: api.asA, payload },
    });

  it('goes to who is named and to nobody else, says that it is one, and ends no mails', async () => {
    const of = await owing();
    const answer = await test(of.scheduleId, { email: 'tester@example.com' });
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({ purpose: 'test', recipient: 'tester@example.com' });
    expect(await pass()).toEqual({ sent: 1 });
    const mail = await mailTo('tester@example.com');
    expect(mail.subject).toMatch(/^\[Test\] /);
    expect(mail.headers.filter(({ key }) => key.startsWith('list-'))).toEqual([]);
  });

  it('is refused for more than one address, a place inside and a domain that is not allowed', async () => {
    const { scheduleId } = await owing();
    for (const payload of [
      {},
      { email: 'a@example.com,b@evil.example' },
      { email: 'a@example.com', webhook: 'https://example.com/' },
      { webhook: 'https://127.0.0.1/x' },
      { webhook: 'https://169.254.169.254/latest' },
      { webhook: 'http://example.com/x' },
      { slack: 'https://hooks.slack.com.evil.example/x' },
      { discord: 'https://127.0.0.1/api/webhooks' },
    ]) {
      expect((await test(scheduleId, payload)).statusCode, JSON.stringify(payload)).toBe(422);
    }
    const patch = (allowed_domains: string[] | null) =>
      api.server.inject({
        ...{ method: 'PATCH', url: '/v1/delivery-settings', headers: api.asA },
        payload: { allowed_domains },
      });
    expect((await patch(['example.com'])).json()).toMatchObject({
      allowed_domains: ['example.com'],
    });
    expect((await test(scheduleId, { email: 'a@evil.example' })).statusCode).toBe(422);
    expect((await patch(['*.'])).statusCode).toBe(422);
    await patch(null);
  });

  it('of a schedule that has made nothing says what to do', async () => {
    const of = await owing();
    await api.db.database.asTenant(api.a.id, (tx) =>
      tx.run('update daybook.report_files set removed_at = now() where id = $1', [of.reportFileId]),
    );
    const answer = await test(of.scheduleId, { email: 'a@example.com' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json().detail).toContain('run it first');
  });
});

describe('saving a schedule', () => {
  it('refuses recipients inside, in all its spellings, and of domains that are not allowed', async () => {
    const save = (recipient: object) =>
      api.server.inject({
        ...{ method: 'POST', url: '/v1/schedules', headers: api.asA },
        payload: {
          ...{ report: 'calls', period: 'yesterday', every: 'day', at: '08:00' },
          recipients: [recipient],
        },
      });
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:10.0.0.1]']) {
      const answer = await save({ webhook: `https://${host}/hook` });
      expect(answer.statusCode, host).toBe(422);
      expect(answer.json().where).toBe('recipients[0].webhook');
    }
    expect((await save({ email: 'ana@xn--80ak6aa92e.com' })).statusCode).toBe(422);
    const settings = { method: 'PATCH', url: '/v1/delivery-settings', headers: api.asA } as const;
    const allow = (allowed_domains: string[] | null) =>
      api.server.inject({ ...settings, payload: { allowed_domains } });
    await allow(['example.com']);
    expect((await save({ email: 'eve@evil.example' })).statusCode).toBe(422);
    await allow(null);
    expect((await save({ email: 'ana@example.com' })).statusCode).toBe(201);
  });
});

describe('the webhook key', () => {
  it('is shown to who manages deliveries alone, and another after it was changed', async () => {
    const url = '/v1/delivery-settings/webhook-key';
    const read = await keyFor(api.db, api.a.id, ['read']);
    expect((await api.server.inject({ url, headers: read })).statusCode).toBe(403);
    const first = (await api.server.inject({ url, headers: api.asA })).json();
    expect(first.key).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const next = await api.server.inject({ method: 'POST', url, headers: api.asA });
    expect(next.json()).toMatchObject({ number: first.number + 1 });
    expect(next.json().key).not.toBe(first.key);
    const ofB = (await api.server.inject({ url, headers: api.asB })).json();
    expect(ofB.key).not.toBe(first.key);
  });
});
