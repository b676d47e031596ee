import { DaybookError } from '../errors.ts';
import { parseDecimal } from '../money/decimal.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';
import { chargesAgainstLedger } from './money-proof.ts';

/** Balances over a period, and the proof that the ledger adds up; within a tenant. */

/** Of one payer and currency; decimals are exact text. opening + movements = closing. */
export interface StatementLine {
  readonly payer: string;
  readonly currency: string;
  readonly opening: string;
  readonly charges: string;
  readonly credits: string;
  readonly adjustments: string;
  readonly refunds: string;
  readonly reversals: string;
  readonly closing: string;
  readonly entries: number;
}

/** Payers that had a balance or an entry, by key and currency. */
export async function statementOf(
  tx: Tx,
  of: { readonly tenantId: string; readonly period: Period; readonly payer?: string },
): Promise<StatementLine[]> {
  const within = (kind: string) =>
    `coalesce(sum(amount) filter (where booked_on >= $2::date and kind = '${kind}'), 0)::text`;
  return tx.query<StatementLine>(
    `select payer, currency,
       coalesce(sum(amount) filter (where booked_on < $2::date), 0)::text as opening,
       ${within('charge')} as charges, ${within('credit')} as credits,
       ${within('adjustment')} as adjustments, ${within('refund')} as refunds,
       ${within('reversal')} as reversals, coalesce(sum(amount), 0)::text as closing,
       count(*) filter (where booked_on >= $2::date)::float8 as entries
     from daybook.ledger_entries
     where tenant_id = $1 and booked_on <= $3::date and ($4::text is null or payer = $4)
     group by payer, currency order by payer, currency`,
    [of.tenantId, of.period.from, of.period.to, of.payer ?? null],
  );
}

/** What does not add up, in words; empty: all does. Looks at every entry and every charge. */
export async function verifyLedger(tx: Tx, tenantId: string): Promise<string[]> {
  const balances = await tx.query<{ account: string; balance: string; entries: string }>(
    `with moved as (
       select account_id as id, amount, 1 as n from daybook.ledger_entries where tenant_id = $1
       union all
       select contra_id, -amount, 1 from daybook.ledger_entries where tenant_id = $1)
     select concat_ws(' ', a.kind, nullif(a.payer, ''), a.currency) as account,
       a.balance::text as balance, coalesce(sum(m.amount), 0)::text as entries
     from daybook.ledger_accounts a left join moved m on m.id = a.id
     where a.tenant_id = $1
     group by a.id, a.kind, a.payer, a.currency, a.balance, a.entry_count
     having a.balance <> coalesce(sum(m.amount), 0) or a.entry_count <> coalesce(sum(m.n), 0)`,
    [tenantId],
  );
  const currencies = await tx.query<{ currency: string; sum: string }>(
    `select currency, sum(balance)::text as sum from daybook.ledger_accounts
     where tenant_id = $1 group by currency having sum(balance) <> 0`,
    [tenantId],
  );
  const reversals = await tx.query<{ source: string }>(
    `select r.source from daybook.ledger_entries r
     join daybook.ledger_entries e on e.tenant_id = r.tenant_id and e.source = r.reverses
     where r.tenant_id = $1 and (r.amount <> -e.amount or r.account_id <> e.account_id
       or r.contra_id <> e.contra_id)`,
    [tenantId],
  );
  const differences = await chargesAgainstLedger(tx, tenantId, null);
  return [
    ...balances.map((one) => `${one.account}: balance ${one.balance}, entries ${one.entries}`),
    ...currencies.map((one) => `${one.currency}: all accounts add up to ${one.sum}, not to 0`),
    ...reversals.map((one) => `${one.source}: not the opposite of what it reverses`),
    ...differences.map(
      (one) =>
        `${one.payer} ${one.bookedOn} ${one.currency}: charges ${one.charged}, booked ${one.booked}`,
    ),
  ];
}

/**
 * From when on an account is noted as low; null: never.
 * @throws DaybookError `E_INVALID`; `E_NOT_FOUND` when the payer has no account in the currency
 */
export async function setLowBalance(
  tx: Tx,
  account: {
    readonly tenantId: string;
    readonly payer: string;
    readonly currency: string;
    readonly lowBalance: string | null;
  },
): Promise<void> {
  const { lowBalance } = account;
  if (lowBalance !== null && (lowBalance.length > 40 || parseDecimal(lowBalance) === null)) {
    const expected = 'a decimal such as 100.00';
    const got = JSON.stringify(lowBalance.slice(0, 100));
    throw new DaybookError('E_INVALID', { where: 'low_balance', got, expected });
  }
  const set = await tx.run(
    `update daybook.ledger_accounts set low_balance = $4::numeric
     where tenant_id = $1 and kind = 'payer' and payer = $2 and currency = $3`,
    [account.tenantId, account.payer, account.currency, lowBalance],
  );
  if (set === 0) {
    const got = `${account.payer} in ${account.currency}`;
    throw new DaybookError('E_NOT_FOUND', { what: 'account', got });
  }
}

export interface LowBalance {
  readonly payer: string;
  readonly currency: string;
  readonly balance: string;
  readonly lowBalance: string;
  readonly noticedAt: Date;
  readonly mails: readonly {
    readonly recipient: string;
    readonly state: 'pending' | 'sent' | 'failed' | 'suppressed';
    readonly reply: string | null;
  }[];
}

/** Newest first; at most 100. */
export async function listLowBalances(tx: Tx, tenantId: string): Promise<LowBalance[]> {
  return tx.query<LowBalance>(
    `select a.payer, a.currency, n.balance::text, n.low_balance::text as "lowBalance",
       n.noticed_at as "noticedAt",
       (select coalesce(json_agg(json_build_object('recipient', m.recipient, 'state', m.state,
          'reply', m.last_reply) order by m.recipient), '[]')
        from daybook.low_balance_mails m
        where m.tenant_id = n.tenant_id and m.notice_key = n.key) as mails
     from daybook.ledger_notices n
     join daybook.ledger_accounts a on a.tenant_id = n.tenant_id and a.id = n.account_id
     where n.tenant_id = $1 order by n.id desc limit 100`,
    [tenantId],
  );
}
