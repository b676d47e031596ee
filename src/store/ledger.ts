import type { Tx } from './database.ts';

/**
 * The ledger: entries between the account of a payer and one of the tenant's own. Append-only; the
 * database keeps the balances and refuses locked days (`E_LOCKED`). Within a tenant. Decimals are
 * exact text.
 */

export type EntryKind = 'charge' | 'credit' | 'adjustment' | 'refund' | 'reversal';
/** The tenant's own accounts: what it earns, what it was paid, what it corrected. */
export type ContraKind = 'revenue' | 'cash' | 'corrections';

/** Where the amount of each kind comes from. */
export const CONTRA_OF: Readonly<Record<Exclude<EntryKind, 'reversal'>, ContraKind>> = {
  charge: 'revenue',
  credit: 'cash',
  refund: 'cash',
  adjustment: 'corrections',
};

export interface NewEntry {
  /** Names what it is of: a second entry of the same source is not made. */
  readonly source: string;
  readonly kind: EntryKind;
  /** UTC epoch ms. */
  readonly effectiveAt: number;
  /** The tenant's local date of that. */
  readonly bookedOn: string;
  readonly payer: string;
  readonly currency: string;
  /** Added to the payer's account; not zero. */
  readonly amount: string;
  readonly contra: ContraKind;
  readonly ofCharges?: boolean;
  readonly reverses?: string | null;
  readonly note?: string | null;
}

/**
 * Posts entries, those that are there already left out.
 * @returns the sources that were posted now
 * @throws DaybookError `E_LOCKED` for a day of a locked period; then none is posted
 */
export async function postEntries(
  tx: Tx,
  of: { readonly tenantId: string; readonly postedBy: string },
  entries: readonly NewEntry[],
): Promise<string[]> {
  if (entries.length === 0) return [];
  await openAccounts(tx, of.tenantId, entries);
  const posted = await tx.query<{ source: string }>(
    `insert into daybook.ledger_entries (tenant_id, source, kind, effective_at, booked_on,
       account_id, contra_id, payer, currency, amount, of_charges, reverses, note, posted_by)
     select $1, e.source, e.kind, timestamptz 'epoch' + e.at * interval '1 millisecond', e.booked_on,
       a.id, c.id, e.payer, e.currency, e.amount, e.of_charges, e.reverses, e.note, $2
     from unnest($3::text[], $4::text[], $5::float8[], $6::date[], $7::text[], $8::text[],
         $9::numeric[], $10::text[], $11::boolean[], $12::text[], $13::text[])
       as e (source, kind, at, booked_on, payer, currency, amount, contra, of_charges, reverses, note)
     join daybook.ledger_accounts a on a.tenant_id = $1 and a.kind = 'payer'
       and a.payer = e.payer and a.currency = e.currency
     join daybook.ledger_accounts c on c.tenant_id = $1 and c.kind = e.contra
       and c.payer = '' and c.currency = e.currency
     order by e.source
     on conflict (tenant_id, source) do nothing
     returning source`,
    [
      of.tenantId,
      of.postedBy,
      entries.map((entry) => entry.source),
      entries.map((entry) => entry.kind),
      entries.map((entry) => entry.effectiveAt),
      entries.map((entry) => entry.bookedOn),
      entries.map((entry) => entry.payer),
      entries.map((entry) => entry.currency),
      entries.map((entry) => entry.amount),
      entries.map((entry) => entry.contra),
      entries.map((entry) => entry.ofCharges ?? false),
      entries.map((entry) => entry.reverses ?? null),
      entries.map((entry) => entry.note ?? null),
    ],
  );
  return posted.map(({ source }) => source);
}

/** Both sides of each entry; in one order, so that two posters never wait for each other. */
async function openAccounts(tx: Tx, tenantId: string, entries: readonly NewEntry[]): Promise<void> {
  const wanted = new Map<string, readonly [kind: string, payer: string, currency: string]>();
  for (const { payer, currency, contra } of entries) {
    for (const account of [
      ['payer', payer, currency],
      [contra, '', currency],
    ] as const) {
      wanted.set(account.join('\n'), account);
    }
  }
  const accounts = [...wanted.values()];
  const values = [
    tenantId,
    accounts.map(([kind]) => kind),
    accounts.map(([, payer]) => payer),
    accounts.map(([, , currency]) => currency),
  ];
  // Nearly always all are there, and then nothing is locked.
  const [{ missing }] = await tx.query<{ missing: boolean }>(
    `select exists (
       select from unnest($2::text[], $3::text[], $4::text[]) as w (kind, payer, currency)
       where not exists (select from daybook.ledger_accounts a
         where a.tenant_id = $1 and a.kind = w.kind and a.payer = w.payer
           and a.currency = w.currency)) as missing`,
    values,
  );
  if (!missing) return;
  await tx.run(
    `insert into daybook.ledger_accounts (tenant_id, kind, payer, currency)
     select $1, w.kind, w.payer, w.currency
     from unnest($2::text[], $3::text[], $4::text[]) as w (kind, payer, currency)
     order by w.kind collate "C", w.payer collate "C", w.currency collate "C"
     on conflict (tenant_id, kind, payer, currency) do nothing`,
    values,
  );
}

export interface Account {
  readonly kind: 'payer' | ContraKind;
  /** Empty: the tenant's own. */
  readonly payer: string;
  readonly currency: string;
  readonly balance: string;
  readonly entries: number;
  /** A balance below it is noted; null: none. */
  readonly lowBalance: string | null;
}

/** Payers first, by key and currency. */
export async function listAccounts(tx: Tx, tenantId: string): Promise<Account[]> {
  return tx.query<Account>(
    `select kind, payer, currency, balance::text, entry_count::float8 as entries,
       low_balance::text as "lowBalance"
     from daybook.ledger_accounts where tenant_id = $1
     order by kind <> 'payer', payer, kind, currency`,
    [tenantId],
  );
}

export interface Entry {
  readonly source: string;
  readonly kind: EntryKind;
  readonly effectiveAt: Date;
  readonly bookedOn: string;
  readonly payer: string;
  readonly currency: string;
  readonly amount: string;
  readonly reverses: string | null;
  readonly note: string | null;
  readonly postedBy: string;
  readonly postedAt: Date;
  readonly ofCharges: boolean;
}

const ENTRY = `source, kind, effective_at as "effectiveAt",
  to_char(booked_on, 'YYYY-MM-DD') as "bookedOn", payer, currency, amount::text, reverses, note,
  posted_by as "postedBy", posted_at as "postedAt", of_charges as "ofCharges"`;
const MOST_PER_PAGE = 1000;

/** A page in the order of effect, then of sources; at most 1,000. */
export async function listEntries(
  tx: Tx,
  filter: {
    readonly tenantId: string;
    readonly from?: string;
    readonly to?: string;
    readonly payer?: string;
    readonly after?: { readonly effectiveAt: Date; readonly source: string };
    readonly limit?: number;
  },
): Promise<Entry[]> {
  return tx.query<Entry>(
    `select ${ENTRY} from daybook.ledger_entries
     where tenant_id = $1 and ($2::date is null or booked_on >= $2)
       and ($3::date is null or booked_on <= $3) and ($4::text is null or payer = $4)
       and ($5::timestamptz is null or (effective_at, source) > ($5, $6))
     order by effective_at, source limit $7`,
    [
      filter.tenantId,
      filter.from ?? null,
      filter.to ?? null,
      filter.payer ?? null,
      filter.after?.effectiveAt ?? null,
      filter.after?.source ?? null,
      Math.min(filter.limit ?? MOST_PER_PAGE, MOST_PER_PAGE),
    ],
  );
}

export async function findEntry(tx: Tx, tenantId: string, source: string): Promise<Entry | null> {
  const [entry] = await tx.query<Entry>(
    `select ${ENTRY} from daybook.ledger_entries where tenant_id = $1 and source = $2`,
    [tenantId, source],
  );
  return entry ?? null;
}
