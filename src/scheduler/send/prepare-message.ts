import { unsubscribeToken } from '../../delivery/links/link-tokens.ts';
import { composeMail } from '../../delivery/mail/compose.ts';
import type { Notice } from '../../delivery/mail/mail-content.ts';
import { messageIdOf } from '../../delivery/mail/message-id.ts';
import type { SendOutcome } from '../../delivery/mail/send-outcome.ts';
import type { HookMessage } from '../../delivery/webhook/hook-message.ts';
import { type HookKind, sendHook } from '../../delivery/webhook/send-hook.ts';
import { type MailAddress, parseMailAddress } from '../../reports/mail-address.ts';
import type { DeliverySettings } from '../../store/delivery-settings.ts';
import type { Tenant } from '../../store/tenants.ts';
import { type OwedDelivery, type PreparedFiles, prepareFiles } from './file-ways.ts';
import { noticeOf } from './notice-words.ts';
import type { SendDeps } from './send-deps.ts';
import { webhookKeys } from './webhook-keys.ts';

/** A message that is whole and waits to go. */
export interface PreparedMessage {
  readonly messageId: string;
  readonly via: string;
  send(options: {
    /** Awaited before anybody can have taken it. */
    readonly beforeEnd: () => Promise<void>;
    readonly signal: AbortSignal;
  }): Promise<SendOutcome & { readonly retryAfterMs?: number | null }>;
}

/** @throws DaybookError of `prepareFiles` */
export async function prepareMessage(
  owed: readonly OwedDelivery[],
  of: { readonly tenant: Tenant; readonly settings: DeliverySettings },
  deps: SendDeps,
  signal: AbortSignal,
): Promise<PreparedMessage> {
  const files = await prepareFiles(owed, of.settings, deps, signal);
  const [{ delivery, part }] = owed;
  const { topic, detail } = delivery;
  const { occurrence } = part;
  const { locale } = occurrence.spec;
  const notice = topic === '' ? null : noticeOf(topic, occurrence, detail, locale);
  return delivery.recipientKind === 'email'
    ? prepareMail(owed[0], { ...of, files, notice }, deps)
    : prepareHook(owed[0], { ...of, files, notice }, deps);
}

interface Parts {
  readonly tenant: Tenant;
  readonly settings: DeliverySettings;
  readonly files: PreparedFiles;
  readonly notice: Notice | null;
}

async function prepareMail(
  { delivery, part }: OwedDelivery,
  { tenant, files, notice }: Parts,
  deps: SendDeps,
): Promise<PreparedMessage> {
  const to = parseMailAddress(delivery.recipient, 'recipient');
  const { occurrence } = part;
  const messageId = messageIdFor(delivery, to, deps);
  const isTest = delivery.purpose === 'test';
  const token = unsubscribeToken(deps.keys, {
    tenantId: tenant.id,
    scheduleId: occurrence.scheduleId,
    recipient: to.key,
  });
  const mail = await composeMail({
    source: {
      tenant: tenant.title,
      schedule: occurrence.scheduleName,
      locale: occurrence.spec.locale,
      isTest,
      notice,
      reports: files.reports,
      unsubscribeUrl: isTest || notice ? null : `${deps.publicUrl}/unsubscribe/${token}`,
    },
    from: deps.sender,
    to,
    messageId,
    date: deps.clock(),
    attachments: files.attachments,
  });
  return { messageId, via: deps.mailVia, send: (options) => deps.mail.send(mail, options) };
}

function messageIdFor(
  delivery: OwedDelivery['delivery'],
  to: MailAddress,
  { sender }: SendDeps,
): string {
  return messageIdOf({
    deliveryId: delivery.digestId ?? delivery.id,
    resends: delivery.resends,
    recipientKey: to.key,
    mailDomain: sender.domain,
  });
}

function prepareHook(
  { delivery, part }: OwedDelivery,
  { tenant, settings, files, notice }: Parts,
  deps: SendDeps,
): PreparedMessage {
  const { recipient: url, purpose, resends } = delivery;
  const { occurrence } = part;
  const message: HookMessage = {
    type: purpose === 'notice' || purpose === 'test' ? purpose : typeOf(purpose),
    id: `msg_${delivery.digestId ?? delivery.id}${resends === 0 ? '' : `_${resends}`}`,
    at: deps.clock(),
    tenant: tenant.title,
    schedule: occurrence.scheduleName,
    reports: files.reports,
    notice,
  };
  return {
    messageId: message.id,
    via: URL.canParse(url) ? new URL(url).hostname : 'unknown',
    async send({ beforeEnd, signal }) {
      await beforeEnd();
      return sendHook({
        kind: delivery.recipientKind as HookKind,
        url,
        message,
        locale: occurrence.spec.locale,
        keys: webhookKeys(deps.keys, tenant.id, settings, deps.clock()),
        settings: deps.hooks,
        now: deps.clock(),
        signal,
      });
    },
  };
}

function typeOf(purpose: 'report' | 'amendment' | 'digest'): HookMessage['type'] {
  return purpose === 'amendment' ? 'report.amended' : 'report.ready';
}
