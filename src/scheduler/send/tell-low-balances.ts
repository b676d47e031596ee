import { GIVE_UP_MS, pauseMs } from '../../delivery/mail/back-off.ts';
import { momentText } from '../../delivery/mail/cell-text.ts';
import { composeMail, type Mail } from '../../delivery/mail/compose.ts';
import type { Notice } from '../../delivery/mail/mail-content.ts';
import { messageIdOf } from '../../delivery/mail/message-id.ts';
import type { SendOutcome } from '../../delivery/mail/send-outcome.ts';
import { toDaybookError } from '../../errors.ts';
import { labels } from '../../reports/field-labels.ts';
import { isAllowedDomain, parseMailAddress } from '../../reports/mail-address.ts';
import type { Locale } from '../../reports/request.ts';
import { readDeliverySettings } from '../../store/delivery-settings.ts';
import {
  claimLowBalanceMails,
  endLowBalanceMail,
  type LowBalanceEnd,
  type LowBalanceMail,
  readLowBalance,
} from '../../store/low-balance-mails.ts';
import { findSuppression } from '../../store/suppressions.ts';
import { requireTenant, type Tenant } from '../../store/tenants.ts';
import { zoneOn } from '../../time/calendar.ts';
import type { SendDeps } from './send-deps.ts';

/**
 * Tells of accounts that ran low, beside the stage `send`. A mail is taken for a while, goes out and
 * is recorded; one whose sender died goes out again under the same Message-ID. What a server may
 * have taken counts as sent: a second copy would be worse than none, since the API shows it too.
 */

const LEASE_SECONDS = 300;
const LONGEST_MS = 120_000;
const BATCH = 20;
const NO_SCHEDULE = '00000000-0000-0000-0000-000000000000';

const WORDS = {
  title: labels('Low balance', 'Saldo baixo', 'Saldo bajo'),
  account: labels('Account', 'Conta', 'Cuenta'),
  balance: labels('Balance', 'Saldo', 'Saldo'),
  bound: labels('Noted below', 'Avisado abaixo de', 'Se avisa por debajo de'),
  since: labels('Since', 'Desde', 'Desde'),
  ledger: labels('ledger', 'livro-razão', 'libro mayor'),
};

type Deps = Pick<SendDeps, 'database' | 'log' | 'mail' | 'sender' | 'clock' | 'chance'>;

/** As of `now`, UTC epoch ms. @returns mails by where they went */
export async function tellLowBalances(
  now: number,
  deps: Deps,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const told: Record<string, number> = {};
  for (;;) {
    signal.throwIfAborted();
    const claimed = await deps.database.asSystem((tx) =>
      claimLowBalanceMails(tx, { now, leaseSeconds: LEASE_SECONDS, limit: BATCH }),
    );
    if (claimed.length === 0) return told;
    for (const mail of claimed) {
      signal.throwIfAborted();
      const state = await tell(mail, deps, signal);
      told[state] = (told[state] ?? 0) + 1;
    }
  }
}

/** Never throws for what goes wrong with one mail, unless it is told to stop. */
async function tell(mail: LowBalanceMail, deps: Deps, signal: AbortSignal): Promise<string> {
  let end: LowBalanceEnd;
  try {
    const composed = await compose(mail, deps);
    if (composed === null) {
      const reply = 'mails may not go there, or its recipient wants none';
      end = { state: 'suppressed', code: 'E_FORBIDDEN', reply, notBefore: null };
    } else {
      const stop = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]);
      const outcome = await deps.mail.send(composed, { beforeEnd: async () => {}, signal: stop });
      end = endOf(outcome, mail, deps);
    }
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = toDaybookError(error);
    deps.log.warn({ mail: mail.id, reason: message }, 'a low-balance mail could not be made');
    const failed = { kind: 'temporary', concerns: 'message', code, reply: message } as const;
    end = endOf(failed, mail, deps);
  }
  await deps.database.asTenant(mail.tenantId, (tx) => endLowBalanceMail(tx, mail, end));
  return end.state;
}

async function compose(mail: LowBalanceMail, deps: Deps): Promise<Mail | null> {
  const to = parseMailAddress(mail.recipient, 'recipient');
  const found = await deps.database.asTenant(
    mail.tenantId,
    async (tx) => ({
      tenant: await requireTenant(tx, mail.tenantId),
      settings: await readDeliverySettings(tx),
      suppression: await findSuppression(tx, { recipient: to.key, scheduleId: NO_SCHEDULE }),
      low: await readLowBalance(tx, mail),
    }),
    { readOnly: true },
  );
  const { tenant, settings, suppression, low } = found;
  // Members are the tenant's own people; where mails may go is about everybody else.
  const isAllowed =
    mail.audience === 'member' || isAllowedDomain(to.domain, settings.allowedDomains);
  if (low === null || suppression !== null || !isAllowed) return null;
  const { locale } = tenant;
  return composeMail({
    source: {
      tenant: tenant.title,
      schedule: WORDS.ledger[locale],
      ...{ locale, isTest: false, reports: [], unsubscribeUrl: null },
      notice: noticeOf(low, tenant, locale),
    },
    from: deps.sender,
    to,
    messageId: messageIdOf({
      ...{ deliveryId: mail.id, resends: 0, recipientKey: to.key },
      mailDomain: deps.sender.domain,
    }),
    date: deps.clock(),
    attachments: [],
  });
}

function noticeOf(
  low: NonNullable<Awaited<ReturnType<typeof readLowBalance>>>,
  { calendar }: Tenant,
  locale: Locale,
): Notice {
  const line = (word: keyof typeof WORDS, value: string) => `${WORDS[word][locale]}: ${value}`;
  const zone = zoneOn(calendar, new Date(low.noticedAt).toISOString().slice(0, 10));
  return {
    title: `${WORDS.title[locale]}: ${low.title}`,
    lines: [
      line('account', low.title === low.payer ? low.payer : `${low.title} (${low.payer})`),
      line('balance', `${low.balance} ${low.currency}`),
      line('bound', `${low.lowBalance} ${low.currency}`),
      line('since', `${momentText(low.noticedAt, locale, zone)} (${zone})`),
    ],
  };
}

function endOf(
  outcome: Pick<SendOutcome, 'kind' | 'concerns' | 'code' | 'reply'>,
  mail: LowBalanceMail,
  { clock, chance }: Pick<SendDeps, 'clock' | 'chance'>,
): LowBalanceEnd {
  const { kind, concerns, code, reply } = outcome;
  const end = { code, reply, notBefore: null };
  if (kind === 'sent' || kind === 'ambiguous') return { ...end, state: 'sent' };
  const notBefore = clock() + pauseMs(concerns, mail.attempts, chance());
  if (kind === 'permanent' || notBefore - mail.owedAt > GIVE_UP_MS) {
    return { ...end, state: 'failed' };
  }
  return { ...end, state: 'pending', notBefore };
}
