import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parseSmtpUrl } from '../../src/delivery/mail/smtp-settings.ts';
import { openSmtpTransport } from '../../src/delivery/mail/smtp-transport.ts';
import { createSendStage } from '../../src/scheduler/send/send.ts';
import {
  SEALED,
  sampleDocument,
  sampleMail,
  sampleSource,
} from '../delivery/mail/support/mails.ts';
import { addOwing, deliveriesOf, owe } from '../scheduler/send/support/owed.ts';
import { sendDeps } from '../scheduler/send/support/stage.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { type Postfix, startPostfix } from './support/postfix.ts';
import { readMail } from './support/python-mail.ts';

/** Debian's Postfix as the next hop; what it delivered is read back by Python's email package. */

const WITHIN_MS = 30_000;

let test: TestDatabase;
let home: string;
let postfix: Postfix;
beforeAll(async () => {
  postfix = await startPostfix();
  test = await freshDatabase();
  home = mkdtempSync(join(tmpdir(), 'daybook-postfix-home-'));
});
afterAll(async () => {
  await postfix?.close();
  await test?.drop();
  rmSync(home, { recursive: true, force: true });
});

let mails = 0;

/** So many more than before, and nothing besides. */
async function more(count: number): Promise<string[]> {
  const paths = await postfix.delivered(mails + count, WITHIN_MS);
  expect(paths).toHaveLength(mails + count);
  mails = paths.length;
  return paths.slice(-count);
}

function transport() {
  const opened = openSmtpTransport({
    settings: parseSmtpUrl(`smtp://127.0.0.1:${postfix.port}?starttls=never`),
    ...{ dkim: null, connections: 2, log: pino({ level: 'silent' }) },
  });
  onTestFinished(() => opened.close());
  return opened;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

it('Postfix delivers what is owed, each attachment byte for byte as it was sealed', async () => {
  const { database } = test;
  // One that ends within a line of base64, one of a megabyte of every byte.
  const files = [SEALED, Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 7919) >>> 3))];
  const sealed = new Map<string, string>();
  for (const [index, bytes] of files.entries()) {
    const owing = await addOwing(database, home, { name: `tenant-${index}`, bytes });
    for (const user of ['ana', 'bo']) {
      const recipient = `${user}-${index}@example.com`;
      await owe(database, owing, { recipient });
      sealed.set(recipient, sha256(bytes));
    }
    onTestFinished(async () => {
      const states = await deliveriesOf(database, owing.tenant.id);
      expect(states.map(({ state }) => state)).toEqual(['sent', 'sent']);
    });
  }
  const deps = sendDeps({ database, home }, { mail: transport(), mailVia: '127.0.0.1' });
  const pass = createSendStage(deps, { atOnce: 4, mostOfTenant: 4 });
  expect(await pass(Date.now() + 1_000, AbortSignal.timeout(WITHIN_MS))).toEqual({ sent: 4 });
  for (const path of await more(4)) {
    const { to, defects, attachments } = readMail(path);
    expect(defects).toEqual([]);
    expect(attachments.map((each) => each.sha256)).toEqual([sealed.get(to[0])]);
    sealed.delete(to[0]);
  }
  expect([...sealed]).toEqual([]);
});

it.each([
  ['\n.\n', 'a bare line feed on either side'],
  ['\r\n.\n', 'a bare line feed behind'],
  ['\n.\r\n', 'a bare line feed before'],
  ['\r.\r', 'bare carriage returns'],
  ['\r\n.\r\n', 'the end of data itself'],
])('what would end a message, %j, %s, leaves one mail to one recipient', async (end) => {
  const evil = `x${end}MAIL FROM:<eve@evil.example>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nboo${end}`;
  const document = sampleDocument('en', { title: evil, filters: [evil] });
  const mail = await sampleMail({
    name: `report${end}.xlsx`,
    source: { tenant: evil, schedule: evil, reports: [{ ...sampleSource().reports[0], document }] },
  });
  // Also where texts reach the transport as they are.
  const raw = { ...mail, text: `${mail.text}\n${evil}`, html: `${mail.html}\n${evil}` };
  const outcome = await transport().send(raw, {
    beforeEnd: async () => {},
    signal: AbortSignal.timeout(WITHIN_MS),
  });
  expect(outcome).toMatchObject({ kind: 'sent' });
  const [path] = await more(1);
  const read = readMail(path);
  expect(read.to).toEqual(['ana@example.com']);
  expect(read.subject).not.toBe('smuggled');
  expect(read.text).toContain('RCPT TO:<eve@example.com>');
  expect(read.attachments.map((each) => each.sha256)).toEqual([sha256(SEALED)]);
  expect(postfix.log()).not.toContain('eve@');
});
