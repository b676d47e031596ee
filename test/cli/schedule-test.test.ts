import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEALED_SHA256 } from '../delivery/mail/support/mails.ts';
import { addOwing, type Owing, owe } from '../scheduler/send/support/owed.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

let test: TestDatabase;
let environment: Record<string, string>;
let of: Owing;
beforeAll(async () => {
  test = await freshDatabase();
  const home = freshHome();
  environment = { DAYBOOK_HOME: home, DATABASE_URL: test.url, LOG_LEVEL: 'silent' };
  of = await addOwing(test.database, home, { name: 'acme' });
});
afterAll(() => test.drop());

async function mails() {
  const folder = join(environment.DAYBOOK_HOME, 'outbox');
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => PostalMime.parse(await readFile(join(folder, name)))),
  );
}

describe('daybook schedule test', () => {
  it('sends the sealed file to one address at once, and nothing else that is owed', async () => {
    await owe(test.database, of, { recipient: 'ana@example.com' });
    const args = ['schedule', 'test', of.scheduleId, '--tenant', 'acme', '--json'];
    const out = await daybookDone(environment, ...args, '--email', 'tester@example.com');
    expect(JSON.parse(out)).toMatchObject({ state: 'sent', recipient: 'tester@example.com' });
    const [mail, ...more] = await mails();
    expect(more).toEqual([]);
    expect(mail.to?.[0].address).toBe('tester@example.com');
    expect(mail.subject).toMatch(/^\[Test\] /);
    const file = mail.attachments.find(({ disposition }) => disposition === 'attachment');
    const sha256 = createHash('sha256').update(Buffer.from(file?.content as ArrayBuffer));
    expect(sha256.digest('hex')).toBe(SEALED_SHA256);
  });

  it('wants one recipient, and none inside', async () => {
    const args = ['schedule', 'test', of.scheduleId, '--tenant', 'acme'];
    expect((await daybook(environment, args)).code).toBe(2);
    const inside = await daybook(environment, [...args, '--webhook', 'https://10.0.0.1/x']);
    expect({ code: inside.code, err: inside.err }).toMatchObject({
      code: 2,
      err: expect.stringContaining('--webhook: got 10.0.0.1'),
    });
  });
});

describe('daybook tick --stage send', () => {
  it('sends what is owed, once', async () => {
    const args = ['tick', '--stage', 'send', '--json'];
    expect(JSON.parse(await daybookDone(environment, ...args)).stages.send).toEqual({ sent: 1 });
    expect(JSON.parse(await daybookDone(environment, ...args)).stages.send).toEqual({});
    expect((await mails()).map((mail) => mail.to?.[0].address)).toEqual([
      'ana@example.com',
      'tester@example.com',
    ]);
  });
});
