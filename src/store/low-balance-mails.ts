import type { Tx } from './database.ts';

/** Mails that tell of an account that ran low: owed by a trigger, once for each time it did. */

export interface LowBalanceMail {
  readonly tenantId: string;
  readonly id: string;
  readonly recipient: string;
  readonly audience: 'member' | 'customer';
  /** This one included; names the attempt. */
  readonly attempts: number;
  /** UTC epoch ms. */
  readonly owedAt: number;
}

/**
 * Takes some that are due as of `now`, UTC epoch ms, for `leaseSeconds` of the database's clock;
 * what is not ended by then is taken again. System transaction.
 */
export async function claimLowBalanceMails(
  tx: Tx,
  options: { readonly now: number; readonly leaseSeconds: number; readonly limit: number },
): Promise<LowBalanceMail[]> {
  return tx.query(
    `with due as materialized (
       select tenant_id, id from daybook.low_balance_mails
       where state = 'pending' and not_before <= timestamptz 'epoch' + $1::float8 * interval '1 millisecond'
         and not_before <= now()
       order by not_before limit $3 for update skip locked)
     update daybook.low_balance_mails m
     set attempts = m.attempts + 1, not_before = now() + make_interval(secs => $2)
     from due where m.tenant_id = due.tenant_id and m.id = due.id
     returning m.tenant_id as "tenantId", m.id, m.recipient, m.audience, m.attempts,
       floor(extract(epoch from m.owed_at) * 1000)::float8 as "owedAt"`,
    [options.now, options.leaseSeconds, options.limit],
  );
}

/** What a mail says; exact decimals. Null: it is gone. Tenant transaction. */
export async function readLowBalance(
  tx: Tx,
  mail: Pick<LowBalanceMail, 'tenantId' | 'id'>,
): Promise<{
  readonly payer: string;
  readonly title: string;
  readonly currency: string;
  readonly balance: string;
  readonly lowBalance: string;
  /** UTC epoch ms. */
  readonly noticedAt: number;
} | null> {
  const [found] = await tx.query<NonNullable<Awaited<ReturnType<typeof readLowBalance>>>>(
    `select a.payer, coalesce(p.title, a.payer) as title, a.currency, n.balance::text,
       n.low_balance::text as "lowBalance",
       floor(extract(epoch from n.noticed_at) * 1000)::float8 as "noticedAt"
     from daybook.low_balance_mails m
     join daybook.ledger_notices n on n.tenant_id = m.tenant_id and n.key = m.notice_key
     join daybook.ledger_accounts a on a.tenant_id = n.tenant_id and a.id = n.account_id
     left join daybook.payers p on p.tenant_id = a.tenant_id and p.key = a.payer
     where m.tenant_id = $1 and m.id = $2`,
    [mail.tenantId, mail.id],
  );
  return found ?? null;
}

export interface LowBalanceEnd {
  readonly state: 'pending' | 'sent' | 'failed' | 'suppressed';
  readonly code: string;
  readonly reply: string;
  /** UTC epoch ms; of a pending one. */
  readonly notBefore: number | null;
}

/** False: another took it meanwhile. Tenant transaction. */
export async function endLowBalanceMail(
  tx: Tx,
  mail: LowBalanceMail,
  end: LowBalanceEnd,
): Promise<boolean> {
  const ended = await tx.run(
    `update daybook.low_balance_mails
     set state = $4, last_code = $5, last_reply = $6,
       sent_at = case when $4 = 'sent' then now() end,
       not_before = coalesce(timestamptz 'epoch' + $7::float8 * interval '1 millisecond', not_before)
     where tenant_id = $1 and id = $2 and attempts = $3 and state = 'pending'`,
    [
      ...[mail.tenantId, mail.id, mail.attempts, end.state, end.code, end.reply.slice(0, 500)],
      end.notBefore,
    ],
  );
  return ended === 1;
}
