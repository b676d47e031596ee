import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mail } from '../../../src/delivery/mail/compose.ts';
import { mailContent } from '../../../src/delivery/mail/mail-content.ts';
import { renderMail } from '../../../src/delivery/mail/mail-templates.ts';
import { openOutbox, outboxName } from '../../../src/delivery/mail/outbox-transport.ts';
import { LOCALES } from '../../../src/reports/request.ts';
import {
  SEALED,
  SEALED_SHA256,
  sampleDocument,
  sampleMail,
  sampleSource,
} from './support/mails.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'daybook-outbox-'));
});
afterAll(() => rm(home, { recursive: true }));

const options = { onData: async () => {}, signal: new AbortController().signal };

async function bytesOf(mail: Mail): Promise<Buffer> {
  await openOutbox(home).send(mail, options);
  return readFile(join(home, 'outbox', outboxName(mail)));
}

async function parsed(mail: Mail): Promise<Email> {
  return PostalMime.parse(await bytesOf(mail));
}

const header = (email: Email, name: string) =>
  email.headers.filter(({ key }) => key === name).map(({ value }) => value);

describe('a mail, parsed back', () => {
  it('has the sealed bytes as its attachment', async () => {
    const { attachments } = await parsed(await sampleMail());
    const file = attachments.find(({ disposition }) => disposition === 'attachment');
    expect(Buffer.from(file?.content as ArrayBuffer)).toEqual(SEALED);
    expect(file?.filename).toBe('north-phones_calls.xlsx');
  });

  it('says who, which report and which period, and that nobody need answer', async () => {
    const email = await parsed(await sampleMail());
    expect(email.subject).toBe('North Phones – Calls – 2026-10-24 – 2026-10-25');
    expect(email.from).toMatchObject({ name: 'Acme Reports', address: 'reports@acme.example' });
    expect(email.to).toEqual([{ name: '', address: 'ana@example.com' }]);
    expect(header(email, 'auto-submitted')).toEqual(['auto-generated']);
    expect(header(email, 'list-unsubscribe')).toEqual([
      '<https://reports.acme.example/unsubscribe/abc>',
    ]);
    expect(header(email, 'list-unsubscribe-post')).toEqual(['List-Unsubscribe=One-Click']);
    expect(email.date).toBe('2026-10-26T08:00:00.000Z');
    expect([...header(email, 'cc'), ...header(email, 'bcc')]).toEqual([]);
  });

  it('shows totals, zone, irregular days, data-as-of, revision and the file, in HTML and in text', async () => {
    const { html, text } = await parsed(await sampleMail());
    for (const body of [html, text]) {
      for (const said of [
        ...['1,234,567', '85.3 %', '-12,345.50', 'Europe/London', '25 h'],
        ...['2026-10-26 01:02:03 (Europe/London)', SEALED_SHA256, 'north-phones_calls.xlsx'],
        ...['Revision', 'Daily calls'],
      ]) {
        expect(body).toContain(said);
      }
    }
  });

  it('has the chart as a PNG that the HTML names and text does without', async () => {
    const { html, attachments, text } = await parsed(await sampleMail());
    const image = attachments.find(({ mimeType }) => mimeType === 'image/png');
    expect(image?.disposition).toBe('inline');
    const png = Buffer.from(image?.content as ArrayBuffer);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(1120);
    expect(html).toContain(`src="cid:${image?.contentId?.slice(1, -1)}"`);
    expect(text).not.toContain('cid:');
  });

  it.each(LOCALES)('is in its language alone: %s', async (locale) => {
    const source = sampleSource({}, locale);
    const { text } = renderMail(mailContent(source));
    const words = { en: 'Time zone', 'pt-BR': 'Fuso horário', es: 'Zona horaria' };
    for (const [language, word] of Object.entries(words)) {
      expect(text.includes(word)).toBe(language === locale);
    }
    expect(text).toContain(locale === 'en' ? '-12,345.50' : '-12.345,50');
    expect(text).toContain(locale === 'en' ? '2026-10-24' : '24/10/2026');
  });

  it('is the same bytes and the same Message-ID when it is tried again, another ID for a re-send', async () => {
    const [first, again, resent] = [
      await sampleMail(),
      await sampleMail(),
      await sampleMail({ resends: 1 }),
    ];
    const hash = async (mail: Mail) =>
      createHash('sha256')
        .update(await bytesOf(mail))
        .digest('hex');
    expect(again.messageId).toBe(first.messageId);
    expect(await hash(again)).toBe(await hash(first));
    expect(resent.messageId).not.toBe(first.messageId);
    expect((await sampleMail({ to: 'bob@example.com' })).messageId).not.toBe(first.messageId);
  });

  it('leaves one file per Message-ID in the outbox, and nothing half-written', async () => {
    await bytesOf(await sampleMail({ to: 'once@example.com' }));
    await bytesOf(await sampleMail({ to: 'once@example.com' }));
    const names = await readdir(join(home, 'outbox'));
    expect(names.filter((name) => name.startsWith('once@example.com'))).toHaveLength(1);
    expect(names.filter((name) => !name.endsWith('.eml'))).toEqual([]);
  });
});

const HOSTILE = [
  ...[
    '\r\nBcc: eve@evil.example',
    '\nX-Evil: 1',
    '\r\n\r\n<script>alert(1)</script>',
    '\u0085X: 1',
  ],
  ...['\u2028Bcc: eve@evil.example', '\u2029X', '\0', '\u007f', '\ud800', '\u202egnp.exe'],
  ...['"><img src=x onerror=alert(1)>', "'onload='x", '{{constructor}}', '{{{{raw}}}}', '<b>'],
  ...['</title><script>', '&lt;', '=?utf-8?Q?=0D=0ABcc:_x@y.z?=', '[link](javascript:alert(1))'],
];

describe('hostile names and data', () => {
  const mailWith = async (evil: string) => {
    const document = sampleDocument('en', {
      title: `Calls${evil}`,
      filters: [`queue = ${evil}`],
      zones: ['Europe/London'],
      totals: {
        columns: sampleDocument().totals.columns.map((each) => ({ ...each, header: `H${evil}` })),
        rows: [[evil, evil, evil]],
      },
    });
    return sampleMail({
      name: `calls${evil}.xlsx`.slice(0, 60),
      source: {
        tenant: `North${evil}`,
        schedule: `Daily${evil}`,
        reports: [{ ...sampleSource().reports[0], document }],
      },
    });
  };

  it.each(HOSTILE)('%j adds no header, recipient or element', async (evil) => {
    const bytes = await bytesOf(await mailWith(evil));
    const email = await PostalMime.parse(bytes);
    const plain = await PostalMime.parse(await bytesOf(await mailWith('x')));
    const names = (each: Email) => each.headers.map(({ key }) => key).sort();
    expect(names(email)).toEqual(names(plain));
    expect(email.to).toEqual([{ name: '', address: 'ana@example.com' }]);
    const elements = (html = '') =>
      [...html.matchAll(/<(\/?[a-z0-9]+)((?:\s+[a-z-]+="[^"]*")*)\s*>/gi)].map(([, name]) => name);
    expect(elements(email.html)).toEqual(elements(plain.html));
    expect(email.html?.match(/</g)).toHaveLength(plain.html?.match(/</g)?.length ?? 0);
    expect(email.attachments).toHaveLength(plain.attachments.length);
    const [head] = bytes.toString('latin1').split('\r\n\r\n', 1);
    expect(head).not.toMatch(/^(?:bcc|x-evil|x):/im);
    expect(head.split('\r\n').filter((line) => /[^\x09\x20-\x7e]/.test(line))).toEqual([]);
  });
});
