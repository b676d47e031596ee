import type { ConnectionOptions } from 'node:tls';
import nodemailer from 'nodemailer';
import type { Logger } from '../../log.ts';
import { classifyFailure, type SmtpFailure } from './classify-reply.ts';
import type { Mail } from './compose.ts';
import { type DataGate, openDataGate } from './data-gate.ts';
import { type MailTransport, nodemailerMessage } from './mail-transport.ts';
import { plainLine } from './plain-line.ts';
import type { DkimSettings, SmtpSettings } from './smtp-settings.ts';

/** Sends by SMTP over a few connections that are kept. */

export interface SmtpTimeouts {
  readonly connectMs: number;
  readonly greetingMs: number;
  /** Without a byte from the server. */
  readonly silenceMs: number;
}

/** A slot is free again after 75 s at most, whatever a server does; nodemailer alone waits 10 min. */
const TIMEOUTS: SmtpTimeouts = { connectMs: 10_000, greetingMs: 10_000, silenceMs: 60_000 };

export interface SmtpOptions {
  readonly settings: SmtpSettings;
  readonly dkim: DkimSettings | null;
  /** Connections at once; more sends wait for one. */
  readonly connections: number;
  readonly log: Logger;
  readonly timeouts?: SmtpTimeouts;
  /** Besides TLS 1.2 or newer and a certificate that holds. */
  readonly tls?: ConnectionOptions;
}

/** Must be closed. Connects when the first mail is sent. */
export function openSmtpTransport(options: SmtpOptions): MailTransport {
  const { settings, dkim } = options;
  const timeouts = options.timeouts ?? TIMEOUTS;
  const transporter = nodemailer.createTransport({
    pool: true,
    host: settings.host,
    port: settings.port,
    secure: settings.secure,
    requireTLS: !settings.secure && settings.startTls === 'required',
    ignoreTLS: settings.startTls === 'never',
    ...(settings.user === null
      ? {}
      : { auth: { user: settings.user, pass: settings.password ?? '' } }),
    tls: { minVersion: 'TLSv1.2', ...options.tls },
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.silenceMs,
    dnsTimeout: timeouts.connectMs,
    maxConnections: options.connections,
    maxMessages: 100,
    idleTimeout: 30_000,
    // A connection that the server dropped while it stood idle is replaced, before a byte went out.
    maxRequeues: 2,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim === null
      ? {}
      : {
          dkim: {
            domainName: dkim.domain,
            keySelector: dkim.selector,
            privateKey: dkim.privateKey,
          },
        }),
  });
  // Whatever connection takes a mail reads it through its gate.
  transporter.use('stream', (mail, done) => {
    const { gate } = mail.data as { readonly gate?: DataGate };
    const { message } = mail;
    const open = message.createReadStream.bind(message);
    if (gate) message.createReadStream = () => gate.stream(open) as ReturnType<typeof open>;
    done();
  });
  transporter.on('error', (error: Error) => {
    options.log.warn({ error: plainLine(error.message, 300) }, 'a mail connection failed');
  });

  return {
    async send(mail: Mail, { onData, signal }) {
      let refusal: unknown;
      const gate = openDataGate(async () => {
        try {
          await onData();
        } catch (error) {
          refusal = error ?? new Error('the sending was refused');
          throw error;
        }
      });
      try {
        const info = await transporter.sendMail({
          ...nodemailerMessage(mail),
          signal,
          ...{ gate },
        });
        const reply = plainLine(info.response ?? '', 500);
        const code = /^\d{3}/.exec(reply)?.[0] ?? '250';
        return { kind: 'sent', stage: 'end', code, reply, concerns: 'message', tooLarge: false };
      } catch (error) {
        if (refusal !== undefined) throw refusal;
        return classifyFailure(error as SmtpFailure, gate.progress);
      }
    },
    close: () => transporter.close(),
  };
}
