import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { pino } from 'pino';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Mail } from '../../../src/delivery/mail/compose.ts';
import { type DkimSettings, parseSmtpUrl } from '../../../src/delivery/mail/smtp-settings.ts';
import { openSmtpTransport } from '../../../src/delivery/mail/smtp-transport.ts';
import { CERTIFICATE } from './support/certificate.ts';
import { SEALED, sampleMail } from './support/mails.ts';

/** A real server, which keeps what it was told and what it took. */
interface Taken {
  readonly from: string;
  readonly to: readonly string[];
  readonly bytes: Buffer;
}

const taken: Taken[] = [];
let server: SMTPServer;

beforeAll(async () => {
  server = new SMTPServer({
    ...CERTIFICATE,
    authOptional: true,
    onAuth: (_, __, done) => done(null, { user: 'daybook' }),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        taken.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          bytes: Buffer.concat(chunks),
        });
        done();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
});
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

async function send(mails: readonly Mail[], dkim: DkimSettings | null = null): Promise<void> {
  const { port } = server.server.address() as { port: number };
  const transport = openSmtpTransport({
    settings: parseSmtpUrl(`smtp://daybook:secret@localhost:${port}`),
    dkim,
    connections: 2,
    log: pino({ level: 'silent' }),
    tls: { ca: CERTIFICATE.cert },
  });
  onTestFinished(() => transport.close());
  const onData = async () => {};
  const outcomes = await Promise.all(
    mails.map((mail) => transport.send(mail, { onData, signal: new AbortController().signal })),
  );
  expect(outcomes.map(({ kind }) => kind)).toEqual(mails.map(() => 'sent'));
}

describe('what a mail server is told', () => {
  it('names the one recipient and none that hides in a name, subject or header', async () => {
    taken.length = 0;
    const evil = 'x\r\nRCPT TO:<eve@evil.example>\r\n, eve@evil.example; eve:<eve@evil.example>';
    const mail = await sampleMail({ source: { tenant: evil, schedule: evil } });
    await send([mail, { ...mail, headers: { ...mail.headers, 'List-Id': evil } }]);
    for (const { from, to, bytes } of taken) {
      expect({ from, to }).toEqual({ from: 'reports@acme.example', to: ['ana@example.com'] });
      const email = await PostalMime.parse(bytes);
      expect(email.to).toEqual([{ name: '', address: 'ana@example.com' }]);
      expect(email.headers.filter(({ key }) => ['cc', 'bcc', 'rcpt to'].includes(key))).toEqual([]);
    }
    expect(taken).toHaveLength(2);
  });

  it('is each message of many, to each recipient its own, attachment as it was sealed', async () => {
    taken.length = 0;
    const names = Array.from({ length: 20 }, (_, index) => `user${index}@example.com`);
    await send(await Promise.all(names.map((to) => sampleMail({ to }))));
    expect(taken.map(({ to }) => to).sort()).toEqual(names.map((name) => [name]).sort());
    for (const { to, bytes } of taken) {
      const email = await PostalMime.parse(bytes);
      expect(email.to?.map(({ address }) => address)).toEqual(to);
      const file = email.attachments.find(({ disposition }) => disposition === 'attachment');
      expect(SEALED.equals(Buffer.from(file?.content as ArrayBuffer))).toBe(true);
    }
    expect(
      new Set(taken.map(({ bytes }) => /^Message-ID: (\S+)/im.exec(bytes.toString())?.[1])).size,
    ).toBe(20);
  });

  it('ends lines in CR LF alone, so that nothing in a body ends the message early', async () => {
    taken.length = 0;
    await send([await sampleMail()]);
    const text = taken[0].bytes.toString('latin1');
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  it('is signed by DKIM where keys are given', async () => {
    taken.length = 0;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    await send([await sampleMail()], {
      domain: 'acme.example',
      selector: 'daybook',
      privateKey: pem,
    });
    const { headers } = await PostalMime.parse(taken[0].bytes);
    const signature = headers.find(({ key }) => key === 'dkim-signature')?.value;
    expect(signature).toMatch(/d=acme\.example;.*s=daybook/s);
    expect(signature).toMatch(/h=[^;]*\bfrom\b[^;]*\bsubject\b/i);
  });
});
