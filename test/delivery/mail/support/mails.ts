import { createHash } from 'node:crypto';
import { composeMail, type Mail } from '../../../../src/delivery/mail/compose.ts';
import type { MailSource } from '../../../../src/delivery/mail/mail-content.ts';
import { messageIdOf } from '../../../../src/delivery/mail/message-id.ts';
import { parseSender } from '../../../../src/delivery/mail/sender.ts';
import type { ReportDocument } from '../../../../src/reports/document.ts';
import { parseMailAddress } from '../../../../src/reports/mail-address.ts';
import type { Locale } from '../../../../src/reports/request.ts';
import { column, documentOf } from '../../../render/support/sample.ts';

export const FROM = parseSender('Acme Reports <reports@acme.example>');

/** Every byte there is, line ends of all kinds, a lone dot on a line, a line of 5,000 bytes. */
export const SEALED = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from('\r\n.\r\nMAIL FROM:<x@y.z>\r\n\n.\n\r.\r'),
  Buffer.alloc(5_000, 'x'),
  Buffer.from('\n..\r\n.'),
]);
export const SEALED_SHA256 = createHash('sha256').update(SEALED).digest('hex');

/** Two days over the change of clocks in London, with a figure of money and a ratio. */
export function sampleDocument(locale: Locale = 'en', over: Partial<ReportDocument> = {}) {
  const figures = [
    column('calls', 'integer', { header: 'Calls', unit: 'count' }),
    column('service', 'decimal', { header: 'Service level', unit: 'ratio' }),
    column('amount', 'decimal', { header: 'Amount', unit: 'money', minScale: 2 }),
  ];
  return documentOf({
    columns: [],
    batches: [],
    format: 'xlsx',
    locale,
    zone: 'Europe/London',
    document: {
      period: { from: '2026-10-24', to: '2026-10-25' },
      rows: 1_234_567,
      irregularDays: [
        { date: '2026-10-25', zone: 'Europe/London', hours: 25, startsAt: '00:00:00' },
      ],
      totals: { columns: figures, rows: [[1_234_567, '0.8525', '-12345.5']] },
      byDay: {
        columns: [column('day', 'date', { header: 'Day' }), ...figures],
        rows: [
          ['2026-10-24', 1_000_000, '0.9', '-12000'],
          ['2026-10-25', 234_567, '0.65', '-345.5'],
        ],
      },
      ...over,
    },
  });
}

export function sampleSource(over: Partial<MailSource> = {}, locale: Locale = 'en'): MailSource {
  return {
    tenant: 'North Phones',
    schedule: 'Daily calls',
    locale,
    isTest: false,
    notice: null,
    unsubscribeUrl: 'https://reports.acme.example/unsubscribe/abc',
    reports: [
      {
        document: sampleDocument(locale),
        sha256: SEALED_SHA256,
        marks: [],
        file: { way: 'attached', name: 'north-phones_calls.xlsx', bytes: SEALED.length },
      },
    ],
    ...over,
  };
}

export async function sampleMail(
  over: { to?: string; source?: Partial<MailSource>; resends?: number; name?: string } = {},
): Promise<Mail> {
  const to = parseMailAddress(over.to ?? 'ana@example.com', 'to');
  return composeMail({
    source: sampleSource(over.source),
    from: FROM,
    to,
    date: Date.UTC(2026, 9, 26, 8),
    messageId: messageIdOf({
      deliveryId: '684cf177-5857-42cd-b169-ad0189df6d77',
      resends: over.resends ?? 0,
      recipientKey: to.key,
      mailDomain: FROM.domain,
    }),
    attachments: [
      {
        name: over.name ?? 'north-phones_calls.xlsx',
        mediaType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
        bytes: SEALED,
      },
    ],
  });
}
