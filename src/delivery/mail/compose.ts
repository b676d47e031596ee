import type { MailAddress } from '../../reports/mail-address.ts';
import { chartImage } from './chart-image.ts';
import { type MailContent, type MailSource, mailContent } from './mail-content.ts';
import { renderMail } from './mail-templates.ts';
import type { Sender } from './sender.ts';

/** Puts a mail together from its parts; the transport turns it into bytes. */

export interface Attachment {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface InlineImage {
  readonly cid: string;
  readonly png: Buffer;
}

/** One mail to one recipient. Every text in it is on one line and free of controls, but for bodies. */
export interface Mail {
  readonly from: Sender;
  readonly to: MailAddress;
  readonly subject: string;
  readonly messageId: string;
  /** Of the attempt, UTC epoch ms. */
  readonly date: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly html: string;
  readonly text: string;
  readonly images: readonly InlineImage[];
  readonly attachments: readonly Attachment[];
}

/** Draws the charts. A chart that cannot be drawn is left out; the figures stand in words. */
export async function drawImages(content: MailContent): Promise<InlineImage[]> {
  const images: InlineImage[] = [];
  for (const { chart } of content.sections) {
    if (!chart) continue;
    const { svg, alt: title, width: widthPx, height: heightPx } = chart;
    const png = await chartImage({ svg, title, widthPx, heightPx }).catch(() => null);
    if (png) images.push({ cid: chart.cid, png });
  }
  return images;
}

/**
 * The mail of one delivery. A report goes with one-click unsubscribing (RFC 8058), and says that no
 * person wrote it (RFC 3834), so that no machine answers.
 */
export async function composeMail(of: {
  readonly source: MailSource;
  readonly from: Sender;
  readonly to: MailAddress;
  readonly messageId: string;
  readonly date: number;
  readonly attachments: readonly Attachment[];
}): Promise<Mail> {
  const content = mailContent(of.source);
  const images = await drawImages(content);
  const drawn = new Set(images.map(({ cid }) => cid));
  const shown = {
    ...content,
    sections: content.sections.map((section) =>
      section.chart && !drawn.has(section.chart.cid) ? { ...section, chart: null } : section,
    ),
  };
  const { unsubscribeUrl } = of.source;
  return {
    from: of.from,
    to: of.to,
    subject: content.subject,
    messageId: of.messageId,
    date: of.date,
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      ...(unsubscribeUrl === null
        ? {}
        : {
            'List-Unsubscribe': `<${unsubscribeUrl}>`,
            'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
          }),
    },
    ...renderMail(shown),
    images,
    attachments: of.attachments,
  };
}
