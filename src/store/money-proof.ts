import type { Tx } from './database.ts';

/** Sums that files about money are proved against; within a tenant. Decimals are exact text. */

export interface DaySum {
  /** Place of the window among those that were asked for. */
  readonly day: number;
  /** Null: of what has none. */
  readonly currency: string | null;
  readonly amount: string;
}

/** The sum of amounts of each window, by currency, as the table has them now. */
export async function sumsOfWindows(
  tx: Tx,
  tenantId: string,
  dataset: 'charges' | 'ledger_entries',
  windows: readonly { readonly start: number; readonly end: number }[],
): Promise<DaySum[]> {
  const anchor = dataset === 'charges' ? 'started_at' : 'effective_at';
  return tx.query<DaySum>(
    `select w.place::int - 1 as day, r.currency, sum(r.amount)::text as amount
     from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as w (since, until, place)
     join daybook.${dataset} r on r.tenant_id = $1 and r.${anchor} >= w.since and r.${anchor} < w.until
     where r.amount is not null
     group by w.place, r.currency`,
    [
      tenantId,
      windows.map(({ start }) => new Date(start)),
      windows.map(({ end }) => new Date(end)),
    ],
  );
}

/**
 * What payers had before an instant, UTC epoch ms, by currency: of all of them, or of some.
 * A currency in which nothing was booked before is not among them.
 */
export async function balancesBefore(
  tx: Tx,
  of: {
    readonly tenantId: string;
    readonly instant: number;
    readonly payers: readonly string[] | null;
  },
): Promise<{ readonly currency: string; readonly amount: string }[]> {
  return tx.query(
    `select currency, sum(amount)::text as amount from daybook.ledger_entries
     where tenant_id = $1 and effective_at < $2 and ($3::text[] is null or payer = any($3))
     group by currency order by currency`,
    [of.tenantId, new Date(of.instant), of.payers],
  );
}

export interface Difference {
  readonly payer: string;
  readonly currency: string;
  readonly bookedOn: string;
  /** What charges add up to, and what the ledger took from the payer for them. */
  readonly charged: string;
  readonly booked: string;
}

/** Payers, currencies and days whose charges are not what the ledger says; at most 20. */
export async function chargesAgainstLedger(
  tx: Tx,
  tenantId: string,
  period: { readonly from: string; readonly to: string } | null,
): Promise<Difference[]> {
  return tx.query<Difference>(
    `select payer, currency, to_char(day, 'YYYY-MM-DD') as "bookedOn",
       sum(charged)::text as charged, sum(booked)::text as booked
     from (
       select payer, currency, billed_on as day, amount as charged, 0 as booked
       from daybook.charges
       where tenant_id = $1 and amount is not null
         and ($2::date is null or billed_on between $2 and $3)
       union all
       select payer, currency, booked_on, 0, -amount from daybook.ledger_entries
       where tenant_id = $1 and of_charges and ($2::date is null or booked_on between $2 and $3)) s
     group by payer, currency, day having sum(charged) <> sum(booked)
     order by day, payer, currency limit 20`,
    [tenantId, period?.from ?? null, period?.to ?? null],
  );
}
