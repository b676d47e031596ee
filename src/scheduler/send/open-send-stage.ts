import type { Config } from '../../config.ts';
import { openInstallationKeys } from '../../delivery/installation-secret.ts';
import type { MailTransport } from '../../delivery/mail/mail-transport.ts';
import { openOutbox } from '../../delivery/mail/outbox-transport.ts';
import { DEFAULT_SENDER, parseSender } from '../../delivery/mail/sender.ts';
import { parseSmtpUrl } from '../../delivery/mail/smtp-settings.ts';
import { openSmtpTransport } from '../../delivery/mail/smtp-transport.ts';
import { endDeliveryLeases, nextDeliveryInMs } from '../../store/delivery-leases.ts';
import type { StageDeps, StagePass } from '../stages/stage.ts';
import { createSendStage } from './send.ts';
import type { SendDeps } from './send-deps.ts';
import type { SendMeter } from './send-metrics.ts';
import { tellLowBalances } from './tell-low-balances.ts';

const AT_ONCE = 12;
const MOST_OF_TENANT = 4;
const SMTP_CONNECTIONS = 6;
/** What is due already and was left has its reason, such as a mail server that is left alone. */
const SOONEST_MS = 5_000;
const READ_ONLY = { readOnly: true };

export interface SendStage {
  readonly pass: StagePass;
  /** After the last pass. */
  close(): void;
}

/**
 * The stage `send` as the configuration has it. Must be closed.
 * @throws DaybookError `E_CONFIG`
 */
export async function openSendStage(
  config: Config,
  deps: StageDeps,
  options: {
    /** Holders whose names start so are dead, but for this one: what they were at is free at once. */
    readonly deadHolders?: string;
    /** This delivery and no other. */
    readonly only?: string;
    readonly meter?: SendMeter;
    /** Told after each pass when the next message may go, in ms: sooner than the waker's minute. */
    readonly onNext?: (inMs: number) => void;
  } = {},
): Promise<SendStage> {
  const { deadHolders, only, meter, onNext } = options;
  const { smtpUrl, from, dkim } = config.mail;
  const sender = from === null ? DEFAULT_SENDER : parseSender(from);
  const settings = smtpUrl === null ? null : parseSmtpUrl(smtpUrl);
  const { log } = deps;
  const mail: MailTransport =
    settings === null
      ? openOutbox(config.home)
      : openSmtpTransport({ settings, dkim, connections: SMTP_CONNECTIONS, log });
  const keys = await openInstallationKeys(config.home, config.secret);
  if (deadHolders !== undefined) {
    const holders = { prefix: deadHolders, butFor: deps.holder };
    await deps.database.asSystem((tx) => endDeliveryLeases(tx, holders));
  }
  const sending: SendDeps = {
    ...deps,
    home: config.home,
    mail,
    mailVia: settings?.host ?? 'outbox',
    sender,
    hooks: { privateTargets: config.privateTargets },
    keys,
    publicUrl: (config.publicUrl ?? `http://${config.host}:${config.port}`).replace(/\/+$/, ''),
    clock: Date.now,
    chance: Math.random,
    ...(meter ? { meter } : {}),
  };
  const deliver = createSendStage(sending, {
    atOnce: AT_ONCE,
    mostOfTenant: MOST_OF_TENANT,
    ...(only === undefined ? {} : { only }),
  });
  const pass: StagePass = async (now, signal) => {
    const sent = await deliver(now, signal);
    if (only !== undefined) return sent;
    const nextInMs = onNext ? await deps.database.asSystem(nextDeliveryInMs, READ_ONLY) : null;
    if (nextInMs !== null) onNext?.(Math.max(SOONEST_MS, nextInMs));
    const lowBalances = await tellLowBalances(now, sending, signal);
    return Object.keys(lowBalances).length === 0 ? sent : { ...sent, lowBalances };
  };
  return { pass, close: () => mail.close() };
}
