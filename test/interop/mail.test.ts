import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOutbox } from '../../src/delivery/mail/outbox-transport.ts';
import {
  SEALED,
  sampleDocument,
  sampleMail,
  sampleSource,
} from '../delivery/mail/support/mails.ts';
import { type ReadMail, readMail } from './support/python-mail.ts';

/** Mails read back by Python's email package, which shares no line with what made them. */

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'daybook-mail-'));
});
afterAll(() => rmSync(home, { recursive: true }));

async function read(mail: Awaited<ReturnType<typeof sampleMail>>): Promise<ReadMail> {
  const signal = new AbortController().signal;
  rmSync(join(home, 'outbox'), { recursive: true, force: true });
  await openOutbox(home).send(mail, { beforeEnd: async () => {}, signal });
  const [name] = readdirSync(join(home, 'outbox'));
  return readMail(join(home, 'outbox', name));
}

describe("to Python's email a mail", () => {
  it('has no defects, one recipient, the sealed bytes and an image that its HTML names', async () => {
    const mail = await read(await sampleMail());
    expect(mail).toMatchObject({
      defects: [],
      subject: 'North Phones – Calls – 2026-10-24 – 2026-10-25',
      to: ['ana@example.com'],
      from: ['reports@acme.example'],
      unsubscribe: '<https://reports.acme.example/unsubscribe/abc>',
      auto: 'auto-generated',
    });
    const sha256 = createHash('sha256').update(SEALED).digest('hex');
    expect(mail.attachments).toMatchObject([{ name: 'north-phones_calls.xlsx', sha256 }]);
    expect(mail.images).toHaveLength(1);
    expect(mail.html).toContain(`cid:${mail.images[0].slice(1, -1)}`);
    expect(mail.text).toContain('1,234,567');
    for (const name of ['cc', 'bcc']) expect(mail.names).not.toContain(name);
  });

  it('with hostile names in it has the same headers, recipient and parts', async () => {
    const evil = '\r\nBcc: eve@evil.example\r\n\r\n<script>"\u2028=?utf-8?Q?=0ABcc:x@y.z?=';
    const plain = await read(await sampleMail());
    const document = sampleDocument('en', { title: `Calls${evil}`, filters: [evil] });
    const mail = await read(
      await sampleMail({
        name: `x${evil}.xlsx`,
        source: {
          tenant: `North${evil}`,
          reports: [{ ...sampleSource().reports[0], document }],
        },
      }),
    );
    expect(mail.defects).toEqual([]);
    expect(mail.names).toEqual(plain.names);
    expect(mail.to).toEqual(['ana@example.com']);
    expect(mail.attachments).toHaveLength(1);
  });
});
