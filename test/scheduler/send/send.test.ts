import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSendStage } from '../../../src/scheduler/send/send.ts';
import type { SendDeps } from '../../../src/scheduler/send/send-deps.ts';
import type { Tx } from '../../../src/store/database.ts';
import {
  beginAttempts,
  type DeliveryEnd,
  endDeliveries,
  listAttempts,
} from '../../../src/store/delivery-attempts.ts';
import { claimDeliveries } from '../../../src/store/delivery-leases.ts';
import {
  changeDeliverySettings,
  type SettingsChange,
} from '../../../src/store/delivery-settings.ts';
import { endSettledOccurrences, releaseDigests } from '../../../src/store/seal-occurrences.ts';
import { suppress } from '../../../src/store/suppressions.ts';
import { SEALED } from '../../delivery/mail/support/mails.ts';
import {
  type ScriptedServer,
  startScriptedServer,
} from '../../delivery/mail/support/scripted-server.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { addOwing, deliveriesOf, letTimePass, type Owing, owe } from './support/owed.ts';
import { sendDeps } from './support/stage.ts';

let db: TestDatabase;
let home: string;
let server: ScriptedServer;
const opened: SendDeps[] = [];
beforeAll(async () => {
  db = await freshDatabase();
  home = await mkdtemp(join(tmpdir(), 'daybook-send-'));
  server = await startScriptedServer();
});
afterEach(() => {
  for (const deps of opened.splice(0)) deps.mail.close();
  server.script = {};
  server.messages.length = 0;
});
afterAll(async () => {
  await server.close();
  await db.drop();
  await rm(home, { recursive: true });
});

const OPTIONS = { atOnce: 8, mostOfTenant: 4 };
const signal = new AbortController().signal;

function depsOf(over: Partial<SendDeps> = {}): SendDeps {
  const deps = sendDeps({ database: db.database, home, smtpPort: server.port }, over);
  opened.push(deps);
  return deps;
}

const SENT: DeliveryEnd = {
  ...{ state: 'sent', outcome: 'sent', stage: 'end', code: '250', reply: '250 OK' },
  ...{ notBefore: null, byLink: false },
};

const pass = (over: Partial<SendDeps> = {}) =>
  createSendStage(depsOf(over), OPTIONS)(Date.now() + 1_000, signal);

let names = 0;
const owing = (of: Partial<Parameters<typeof addOwing>[2]> = {}): Promise<Owing> =>
  addOwing(db.database, home, { name: `tenant-${++names}`, ...of });
const states = async ({ tenant }: Owing) =>
  (await deliveriesOf(db.database, tenant.id)).map(({ state }) => state);
const settle = (of: Owing, to: SettingsChange['to']) =>
  db.database.asTenant(of.tenant.id, (tx) =>
    changeDeliverySettings(tx, { tenantId: of.tenant.id, by: 'test', to }),
  );
const attempts = async (of: Owing, id: string) =>
  db.database.asTenant(of.tenant.id, (tx) => listAttempts(tx, id));
const occurrenceState = async ({ tenant, occurrenceId }: Owing) => {
  const [row] = await db.database.asTenant(tenant.id, (tx) =>
    tx.query<{ state: string }>('select state from daybook.occurrences where id = $1', [
      occurrenceId,
    ]),
  );
  return row.state;
};
const messageIds = () =>
  server.messages.map((bytes) => /^Message-ID: (\S+)/im.exec(bytes.toString('latin1'))?.[1]);

describe('what is owed', () => {
  it('goes out once, with the sealed bytes, is on record, and ends its occurrence', async () => {
    const of = await owing();
    const id = await owe(db.database, of, { recipient: 'ana@example.com' });
    await owe(db.database, of, { recipient: 'bob@example.com' });
    expect(await pass()).toEqual({ sent: 2 });
    expect(await pass()).toEqual({});
    expect(await states(of)).toEqual(['sent', 'sent']);
    await db.database.asSystem(endSettledOccurrences);
    expect(await occurrenceState(of)).toBe('sent');
    expect(server.messages).toHaveLength(2);
    const email = await PostalMime.parse(server.messages[0]);
    const file = email.attachments.find(({ disposition }) => disposition === 'attachment');
    expect(SEALED.equals(Buffer.from(file?.content as ArrayBuffer))).toBe(true);
    const [attempt, ...more] = await attempts(of, id);
    expect(more).toEqual([]);
    expect(attempt).toMatchObject({ attempt: 1, outcome: 'sent', stage: 'end', code: '250' });
    expect(attempt.finalAt).toBeGreaterThanOrEqual(attempt.beganAt);
  });

  it('is not sent when the file on disk is not what was sealed', async () => {
    const of = await owing();
    await owe(db.database, of, { recipient: 'ana@example.com' });
    const bytes = Buffer.from(SEALED);
    bytes[700] ^= 1;
    await writeFile(join(home, of.path), bytes);
    await pass();
    expect(server.messages).toHaveLength(0);
    expect(await deliveriesOf(db.database, of.tenant.id)).toMatchObject([
      { state: 'pending', lastCode: 'E_IO' },
    ]);
  });

  it('waits while its disk is away, says so, and goes when it is back; what was removed never does', async () => {
    const of = await owing();
    await owe(db.database, of, { recipient: 'ana@example.com' });
    const files = join(home, 'files');
    const away = join(home, 'files.away');
    await rename(files, away);
    const wait = async () => {
      await letTimePass(db.database, '2 minutes');
      await pass();
      const [delivery] = await deliveriesOf(db.database, of.tenant.id);
      return delivery;
    };
    const waiting = { state: 'pending', lastCode: 'E_NO_DISK', lastReply: expect.anything() };
    expect(await wait()).toMatchObject(waiting);
    expect((await wait()).lastReply).toContain(`DAYBOOK_HOME/${of.path}: the disk cannot be used`);
    // A mount point without its disk.
    await mkdir(files);
    expect(await wait()).toMatchObject(waiting);
    await rmdir(files);
    // Something else stands in its place.
    await writeFile(files, '');
    expect(await wait()).toMatchObject(waiting);
    await rm(files);
    expect(server.messages).toHaveLength(0);
    await rename(away, files);
    expect(await wait()).toMatchObject({ state: 'sent' });
    expect(server.messages).toHaveLength(1);

    const gone = await owing();
    await owe(db.database, gone, { recipient: 'ana@example.com' });
    await rm(join(home, gone.path));
    await db.database.asTenant(gone.tenant.id, (tx) =>
      tx.run('update daybook.report_files set removed_at = now() where id = $1', [
        gone.reportFileId,
      ]),
    );
    await pass();
    expect(await deliveriesOf(db.database, gone.tenant.id)).toMatchObject([
      { state: 'failed', lastCode: 'E_GONE' },
    ]);
  });

  it('is put off while a server says later, goes to those who are refused no more, and to no other again', async () => {
    const of = await owing();
    await owe(db.database, of, { recipient: 'ana@example.com' });
    await pass();
    server.script = { rcpt: '450 4.2.0 greylisted' };
    await owe(db.database, of, { recipient: 'bob@example.com' });
    await pass();
    expect(await states(of)).toEqual(['sent', 'pending']);
    server.script = {};
    expect(await pass()).toEqual({});
    await letTimePass(db.database, '10 minutes');
    await pass();
    expect(await states(of)).toEqual(['sent', 'sent']);
    expect(server.messages).toHaveLength(2);
  });

  it('is given up after days, or at once where it is refused for good', async () => {
    const of = await owing();
    server.script = { rcpt: '550 5.7.1 not here' };
    await owe(db.database, of, { recipient: 'ana@example.com' });
    await pass();
    expect(await states(of)).toEqual(['failed']);
    await db.database.asSystem(endSettledOccurrences);
    expect(await occurrenceState(of)).toBe('failed');
    server.script = { rcpt: '450 4.2.0 greylisted' };
    await owe(db.database, of, { recipient: 'bob@example.com' });
    await letTimePass(db.database, '80 hours');
    await pass();
    expect(await states(of)).toEqual(['failed', 'failed']);
  });

  it('of a mailbox that does not exist is the last to it', async () => {
    const of = await owing();
    server.script = { rcpt: '550 5.1.1 no such user' };
    await owe(db.database, of, { recipient: 'Gone@example.com' });
    await pass();
    server.script = {};
    const next = await owing({ tenant: of.tenant });
    await owe(db.database, next, { recipient: 'gone@example.com' });
    await pass();
    expect(await deliveriesOf(db.database, of.tenant.id)).toMatchObject([
      { state: 'failed' },
      { state: 'suppressed', lastCode: 'E_BOUNCED' },
    ]);
  });
});

describe('what must not be sent', () => {
  it('to a domain that is not allowed any more, to who unsubscribed, for an owner without rights, stays', async () => {
    const of = await owing();
    await settle(of, { allowedDomains: ['example.com'] });
    await owe(db.database, of, { recipient: 'eve@evil.example' });
    await owe(db.database, of, { recipient: 'Bob@example.com' });
    const { tenant, scheduleId } = of;
    await db.database.asTenant(tenant.id, (tx) =>
      suppress(tx, {
        ...{ tenantId: tenant.id, recipient: 'bob@example.com', scheduleId },
        ...{ reason: 'unsubscribed', detail: null },
      }),
    );
    const left = await owing({ tenant, owner: 'key:0123456789abcdef' });
    await owe(db.database, left, { recipient: 'ana@example.com' });
    await pass();
    expect(await deliveriesOf(db.database, tenant.id)).toMatchObject([
      { state: 'suppressed', lastCode: 'E_FORBIDDEN', attempts: 1 },
      { state: 'suppressed', lastCode: 'E_UNSUBSCRIBED' },
      { state: 'suppressed', lastCode: 'E_FORBIDDEN' },
    ]);
    expect(server.messages).toHaveLength(0);
  });
});

describe('a file that is large', () => {
  it('is zipped where that helps, and a link where it does not, each at the boundary', async () => {
    const text = Buffer.from('2026-10-24;12,50;Support\r\n'.repeat(40_000));
    const csv = await owing({ bytes: text, format: 'csv', spec: { maxAttachmentBytes: 400_000 } });
    await owe(db.database, csv, { recipient: 'ana@example.com' });
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 7919) >> 7));
    const large = await owing({ bytes: noise, spec: { maxAttachmentBytes: 500_000 } });
    await owe(db.database, large, { recipient: 'bob@example.com' });
    await pass();
    const mails = await Promise.all(server.messages.map((bytes) => PostalMime.parse(bytes)));
    const byTo = (to: string) => mails.find((mail) => mail.to?.[0].address === to);
    const names = (to: string) =>
      byTo(to)?.attachments.filter(({ disposition }) => disposition === 'attachment');
    const [zipped] = names('ana@example.com') ?? [];
    expect(zipped.filename).toMatch(/_calls\.csv\.zip$/);
    expect(Buffer.from(zipped.content as ArrayBuffer).length).toBeLessThan(100_000);
    expect(names('bob@example.com')).toEqual([]);
    expect(byTo('bob@example.com')?.text).toMatch(
      /https:\/\/reports\.acme\.example\/d\/[A-Za-z0-9_-]{43}\n/,
    );
  });

  it('that the server finds too large goes as a link the next time, not again and again', async () => {
    const of = await owing();
    const id = await owe(db.database, of, { recipient: 'ana@example.com' });
    server.script = { end: '552 5.3.4 message too big' };
    const stage = createSendStage(depsOf(), OPTIONS);
    const sending = stage(Date.now() + 1_000, signal);
    while (server.messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
    server.script = {};
    await sending;
    await pass();
    expect(await states(of)).toEqual(['sent']);
    expect((await attempts(of, id)).map(({ code }) => code)).toEqual(['552', '250']);
    const last = await PostalMime.parse(server.messages[1]);
    expect(last.attachments.filter(({ disposition }) => disposition === 'attachment')).toEqual([]);
    expect(last.text).toContain('/d/');
  });
});

describe('a digest', () => {
  it('goes as one mail of all its files, once none of them is still being made', async () => {
    const first = await owing();
    const second = await owing({ tenant: first.tenant });
    const digestId = first.occurrenceId;
    const mark = (state: string) =>
      db.database.asSystem((tx) =>
        tx.run('update daybook.occurrences set digest_id = $1, state = $2 where id = $3', [
          ...[digestId, state, second.occurrenceId],
        ]),
      );
    await mark('processing');
    for (const of of [first, second]) {
      await owe(db.database, of, { recipient: 'ana@example.com', purpose: 'digest', digestId });
    }
    await db.database.asSystem((tx) =>
      tx.run(`update daybook.deliveries set not_before = 'infinity' where digest_id = $1`, [
        digestId,
      ]),
    );
    await db.database.asSystem(releaseDigests);
    expect(await pass()).toEqual({});
    await mark('sealed');
    await db.database.asSystem(releaseDigests);
    expect(await pass()).toEqual({ sent: 1 });
    expect(await states(first)).toEqual(['sent', 'sent']);
    const email = await PostalMime.parse(server.messages[0]);
    expect(email.subject).toContain('2 reports');
    expect(
      email.attachments.filter(({ disposition }) => disposition === 'attachment'),
    ).toHaveLength(2);
  });

  it('is recorded as a whole, or where one of its leases is lost, not at all', async () => {
    const first = await owing();
    const second = await owing({ tenant: first.tenant });
    const digestId = first.occurrenceId;
    for (const of of [first, second]) {
      await owe(db.database, of, { recipient: 'ana@example.com', purpose: 'digest', digestId });
    }
    const claiming = { holder: 'one', now: Date.now() + 1_000, limit: 1, mostOfTenant: 1 };
    const claimed = await db.database.asSystem((tx) =>
      claimDeliveries(tx, { ...claiming, leaseSeconds: 20, withoutMail: false }),
    );
    expect(claimed).toHaveLength(2);
    const inTenant = <T>(work: (tx: Tx) => Promise<T>) =>
      db.database.asTenant(first.tenant.id, work);
    await inTenant((tx) => beginAttempts(tx, claimed, { messageId: '<digest>', via: 'test' }));
    const recorded = async () => {
      const all = await Promise.all(claimed.map(({ id }) => attempts(first, id)));
      return { states: await states(first), outcomes: all.flat().map(({ outcome }) => outcome) };
    };

    const lost = [claimed[0], { ...claimed[1], leaseToken: '999' }];
    expect(await inTenant((tx) => endDeliveries(tx, lost, SENT))).toBe(false);
    expect(await recorded()).toEqual({ states: ['sending', 'sending'], outcomes: [null, null] });
    expect(await inTenant((tx) => endDeliveries(tx, claimed, SENT))).toBe(true);
    expect(await recorded()).toEqual({ states: ['sent', 'sent'], outcomes: ['sent', 'sent'] });
  });
});

describe('a message of which nobody knows', () => {
  it('is sent again with the same Message-ID, but never a third time', async () => {
    const of = await owing();
    const id = await owe(db.database, of, { recipient: 'ana@example.com' });
    server.script = { end: 'cut' };
    await pass();
    expect(await states(of)).toEqual(['in_doubt']);
    await db.database.asSystem(endSettledOccurrences);
    expect(await occurrenceState(of)).toBe('sealed');
    await letTimePass(db.database, '10 minutes');
    await pass();
    expect(await states(of)).toEqual(['held']);
    await letTimePass(db.database, '10 hours');
    await pass();
    expect(server.messages).toHaveLength(2);
    expect(new Set(messageIds()).size).toBe(1);
    expect((await attempts(of, id)).map(({ outcome }) => outcome)).toEqual([
      'ambiguous',
      'ambiguous',
    ]);
  });

  it('waits for a person where the tenant wants it so', async () => {
    const of = await owing();
    await settle(of, { holdAmbiguous: true });
    await owe(db.database, of, { recipient: 'ana@example.com' });
    server.script = { end: 'silence' };
    await pass();
    expect(await states(of)).toEqual(['held']);
    await letTimePass(db.database, '10 hours');
    await pass();
    expect(server.messages).toHaveLength(1);
  });

  it('because its process died at the final dot is in doubt; because it died before, it is simply due', async () => {
    const of = await owing();
    const dead = await owe(db.database, of, { recipient: 'ana@example.com' });
    const early = await owe(db.database, of, { recipient: 'bob@example.com' });
    // A transport that never comes back, as when the process is killed there.
    const stop = new AbortController();
    let began = 0;
    const dies: SendDeps['mail'] = {
      async send(mail, { beforeEnd, signal }) {
        if (mail.to.local === 'ana') await beforeEnd();
        began += 1;
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('killed')));
        });
      },
      close: () => {},
    };
    const dying = createSendStage(depsOf({ mail: dies }), { ...OPTIONS, graceMs: 0 })(
      Date.now() + 1_000,
      stop.signal,
    );
    while (began < 2) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(new Error('killed'));
    await expect(dying).rejects.toThrow();
    expect(await states(of)).toEqual(['sending', 'sending']);
    expect(await pass()).toEqual({});
    await letTimePass(db.database, '2 minutes');
    await pass();
    expect(await states(of)).toEqual(['sent', 'sent']);
    const outcomes = async (id: string) => (await attempts(of, id)).map((each) => each.outcome);
    expect(await outcomes(dead)).toEqual(['lost', 'sent']);
    expect(await outcomes(early)).toEqual(['lost', 'sent']);
    const deadAttempts = await attempts(of, dead);
    expect(new Set(deadAttempts.map(({ messageId }) => messageId)).size).toBe(1);
    expect(deadAttempts[0].finalAt).not.toBeNull();
    expect((await attempts(of, early))[0].finalAt).toBeNull();
  });
});

describe('a clock that was set back by hours', () => {
  it('holds up what a dead sender was at for one lease, not for those hours', async () => {
    const of = await owing();
    const id = await owe(db.database, of, { recipient: 'ana@example.com' });
    await db.database.asSystem((tx) =>
      tx.run(
        `update daybook.deliveries set state = 'sending', lease_owner = 'dead', attempts = 1,
           lease_token = 7, lease_until = now() + interval '3 hours' where id = $1`,
        [id],
      ),
    );
    expect(await pass()).toEqual({});
    expect(await states(of)).toEqual(['sending']);
    await letTimePass(db.database, '21 seconds');
    expect(await pass()).toEqual({ sent: 1 });
  });
});

describe('many who send at once', () => {
  it('send each message once, the tenants in turn', async () => {
    const large = await owing();
    for (let i = 0; i < 30; i++) await owe(db.database, large, { recipient: `u${i}@example.com` });
    const small = await owing();
    await owe(db.database, small, { recipient: 'ana@example.com' });
    const order: string[] = [];
    const deps = () => {
      const { mail, ...rest } = depsOf();
      return {
        ...rest,
        mail: {
          ...mail,
          send: (...of: Parameters<typeof mail.send>) => {
            order.push(of[0].to.address);
            return mail.send(...of);
          },
        },
      };
    };
    const stages = Array.from({ length: 4 }, (_, index) =>
      createSendStage({ ...deps(), holder: `test/${index}` }, { atOnce: 4, mostOfTenant: 2 }),
    );
    await Promise.all(stages.map((stage) => stage(Date.now() + 1_000, signal)));
    expect(new Set(await states(large))).toEqual(new Set(['sent']));
    expect(new Set(messageIds()).size).toBe(31);
    expect(server.messages).toHaveLength(31);
    expect(order.indexOf('ana@example.com')).toBeLessThan(12);
  });
});

describe('without a mail server', () => {
  it('a mail is a file in the outbox', async () => {
    const of = await owing();
    await owe(db.database, of, { recipient: 'outbox@example.com' });
    const { mail } = sendDeps({ database: db.database, home });
    await pass({ mail, mailVia: 'outbox' });
    expect(await states(of)).toEqual(['sent']);
    const [name] = (await readdir(join(home, 'outbox'))).filter((each) =>
      each.startsWith('outbox@example.com'),
    );
    const email = await PostalMime.parse(await readFile(join(home, 'outbox', name)));
    expect(email.to?.[0].address).toBe('outbox@example.com');
  });
});
