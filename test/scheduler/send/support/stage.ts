import { pino } from 'pino';
import { installationKeys } from '../../../../src/delivery/installation-secret.ts';
import { openOutbox } from '../../../../src/delivery/mail/outbox-transport.ts';
import { parseSmtpUrl } from '../../../../src/delivery/mail/smtp-settings.ts';
import { openSmtpTransport } from '../../../../src/delivery/mail/smtp-transport.ts';
import type { SendDeps } from '../../../../src/scheduler/send/send-deps.ts';
import type { Database } from '../../../../src/store/database.ts';
import { CERTIFICATE } from '../../../delivery/mail/support/certificate.ts';
import { FROM } from '../../../delivery/mail/support/mails.ts';

export const KEYS = installationKeys('a secret of thirty-two characters');

/** The stage's dependencies; mails go into the outbox unless they have a server's port. */
export function sendDeps(
  of: { readonly database: Database; readonly home: string; readonly smtpPort?: number },
  over: Partial<SendDeps> = {},
): SendDeps {
  const log = pino({ level: 'silent' });
  const mail =
    of.smtpPort === undefined
      ? openOutbox(of.home)
      : openSmtpTransport({
          settings: parseSmtpUrl(`smtp://localhost:${of.smtpPort}`),
          ...{ dkim: null, connections: 4, log, tls: { ca: CERTIFICATE.cert } },
          timeouts: { connectMs: 2_000, greetingMs: 2_000, silenceMs: 2_000 },
        });
  return {
    database: of.database,
    holder: 'test/1',
    log,
    home: of.home,
    mail,
    mailVia: of.smtpPort === undefined ? 'outbox' : 'localhost',
    sender: FROM,
    hooks: { privateTargets: 'allow' },
    keys: KEYS,
    publicUrl: 'https://reports.acme.example',
    clock: Date.now,
    chance: () => 0,
    ...over,
  };
}
