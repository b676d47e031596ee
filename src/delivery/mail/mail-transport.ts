import { createHash } from 'node:crypto';
import type { Mail } from './compose.ts';
import type { SendOutcome } from './send-outcome.ts';

/** Where mails go: a mail server, or a folder. */
export interface MailTransport {
  /**
   * Sends one mail to its one recipient. Never throws for what a server says or for a lost
   * connection: that is the outcome.
   * @param onData awaited before the first byte of the message goes out; when it throws, nothing
   *   goes out, and what it threw comes through
   */
  send(
    mail: Mail,
    options: { readonly onData: () => Promise<void>; readonly signal: AbortSignal },
  ): Promise<SendOutcome>;
  /** Waits for nothing: what is under way fails. */
  close(): void;
}

/** A mail in the form that nodemailer takes: every address an object, every byte in memory. */
export function nodemailerMessage(mail: Mail) {
  return {
    from: { name: mail.from.name, address: mail.from.address },
    to: { name: '', address: mail.to.address },
    envelope: { from: mail.from.address, to: [mail.to.address] },
    subject: mail.subject,
    messageId: mail.messageId,
    date: new Date(mail.date),
    headers: Object.entries(mail.headers).map(([key, value]) => ({ key, value })),
    text: mail.text,
    html: mail.html,
    attachments: [
      ...mail.images.map(({ cid, png }) => ({
        cid,
        filename: `${cid.split('@', 1)[0]}.png`,
        content: png,
        contentType: 'image/png',
        contentDisposition: 'inline' as const,
      })),
      ...mail.attachments.map(({ name, bytes, mediaType }) => ({
        filename: name,
        content: bytes,
        contentType: mediaType,
        contentDisposition: 'attachment' as const,
        // Text too: its line ends are part of what was sealed.
        contentTransferEncoding: 'base64' as const,
      })),
    ],
    // The same mail gives the same bytes.
    baseBoundary: createHash('sha256').update(mail.messageId).digest('hex').slice(0, 24),
    xMailer: false as const,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
