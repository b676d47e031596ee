import { DaybookError } from '../errors.ts';
import { isCurrency } from '../money/currencies.ts';
import { type Decimal, formatDecimal, negate, parseDecimal } from '../money/decimal.ts';
import { dayAt, windowOf } from '../time/calendar.ts';
import { parseDate } from '../time/period.ts';
import type { Tx } from './database.ts';
import { CONTRA_OF, type ContraKind, type Entry, findEntry, postEntries } from './ledger.ts';
import { requirePayer } from './payers.ts';
import type { Tenant } from './tenants.ts';

/** What people post to the ledger: credits, refunds, adjustments, and the reversal of those. */

/**
 * `credit`: the payer paid, or is given something. `refund`: something is paid back to the payer.
 * `adjustment`: a correction, up or down.
 */
export const POSTED_KINDS = ['credit', 'refund', 'adjustment'] as const;
export type PostedKind = (typeof POSTED_KINDS)[number];

const MOST_FRACTION_DIGITS = 12;
const LONGEST_NOTE = 500;
const LONGEST_SOURCE = 200;

export interface Posting {
  readonly kind: string;
  readonly payer: string;
  readonly currency: string;
  /** Decimal text; of credits and refunds above zero. */
  readonly amount: string;
  /** A local date; null: now. */
  readonly effectiveOn: string | null;
  readonly note: string | null;
  /** Names what it is of, so that it is posted once. */
  readonly source: string;
}

/**
 * Posts one entry; one of the same source that says the same is there already, and stays.
 * @param now UTC epoch ms
 * @throws DaybookError `E_INVALID`, `E_NOT_FOUND` for a payer, `E_LOCKED`, `E_CONFLICT` when the
 *   source has posted something else
 */
export async function postEntry(
  tx: Tx,
  posting: Posting,
  by: { readonly tenant: Tenant; readonly postedBy: string; readonly now: number },
): Promise<Entry> {
  const { tenant, now } = by;
  const kind = POSTED_KINDS.find((each) => each === posting.kind);
  if (!kind) return invalid('kind', posting.kind, `one of ${POSTED_KINDS.join(', ')}`);
  const amount = formatDecimal(amountOf(kind, posting.amount));
  const { currency } = posting;
  if (!isCurrency(currency)) invalid('currency', currency, 'a code of ISO 4217 such as EUR');
  const payer = await requirePayer(tx, tenant.id, posting.payer);
  const when = effectOf(tenant, posting.effectiveOn, now);
  const source = `posted:${textOf('source', posting.source, LONGEST_SOURCE)}`;
  const note = posting.note === null ? null : textOf('note', posting.note, LONGEST_NOTE);
  const entry = { source, kind, ...when, payer: payer.key, currency, amount, note };
  const of = { tenantId: tenant.id, postedBy: by.postedBy };
  const posted = await postEntries(tx, of, [{ ...entry, contra: CONTRA_OF[kind] }]);
  const stands = (await findEntry(tx, tenant.id, source)) as Entry;
  const isSame =
    stands.kind === kind &&
    stands.payer === payer.key &&
    stands.currency === currency &&
    stands.amount === amount;
  if (posted.length === 0 && !isSame) {
    const reason = `${posting.source} has posted ${stands.kind} ${stands.amount} ${stands.currency} to ${stands.payer}`;
    throw new DaybookError('E_CONFLICT', { where: 'source', reason });
  }
  return stands;
}

/**
 * Takes an entry back by one of the opposite amount, once.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` for an entry of charges, which only rating again
 *   changes, for a reversal, and for one that is reversed already; `E_LOCKED`
 */
export async function reverseEntry(
  tx: Tx,
  reversal: { readonly source: string; readonly note: string | null },
  by: { readonly tenant: Tenant; readonly postedBy: string; readonly now: number },
): Promise<Entry> {
  const { tenant } = by;
  const entry = await findEntry(tx, tenant.id, reversal.source);
  if (!entry) throw new DaybookError('E_NOT_FOUND', { what: 'entry', got: reversal.source });
  const refuse = (reason: string): never => {
    throw new DaybookError('E_CONFLICT', { where: 'source', reason });
  };
  if (entry.ofCharges) refuse('it is the sum of charges, which rating the period again changes');
  if (entry.kind === 'reversal') refuse('it is a reversal itself');
  const source = `reversal:${entry.source}`;
  const note = reversal.note === null ? null : textOf('note', reversal.note, LONGEST_NOTE);
  const amount = formatDecimal(negate(parseDecimal(entry.amount) as Decimal));
  const { payer, currency } = entry;
  const contra: ContraKind = CONTRA_OF[entry.kind as PostedKind];
  const posted = await postEntries(tx, { tenantId: tenant.id, postedBy: by.postedBy }, [
    {
      ...{ source, kind: 'reversal', ...effectOf(tenant, null, by.now) },
      ...{ payer, currency, amount, contra, reverses: entry.source, note },
    },
  ]);
  if (posted.length === 0) refuse('it is reversed already');
  return (await findEntry(tx, tenant.id, source)) as Entry;
}

function effectOf(tenant: Tenant, date: string | null, now: number) {
  const today = dayAt(tenant.calendar, now).date;
  if (date === null) return { effectiveAt: now, bookedOn: today };
  const bookedOn = parseDate(date, 'effective_on');
  if (bookedOn > today) invalid('effective_on', bookedOn, `a date up to today, ${today}`);
  if (bookedOn === today) return { effectiveAt: now, bookedOn };
  return { effectiveAt: windowOf(tenant.calendar, { from: date, to: date }).start, bookedOn };
}

function amountOf(kind: PostedKind, text: string): Decimal {
  const amount = text.length > 40 ? null : parseDecimal(text);
  if (
    amount === null ||
    amount.unscaled === 0n ||
    amount.scale > MOST_FRACTION_DIGITS ||
    (kind !== 'adjustment' && amount.unscaled < 0n)
  ) {
    const expected = `a decimal such as 12.50${kind === 'adjustment' ? ' or -12.50, not zero' : ', above zero'}`;
    return invalid('amount', text, expected);
  }
  return kind === 'refund' ? negate(amount) : amount;
}

function textOf(where: string, text: string, longest: number): string {
  const trimmed = text.trim();
  if (trimmed !== '' && trimmed.length <= longest && !/\p{Cc}/u.test(trimmed)) return trimmed;
  return invalid(where, text, `1 to ${longest} characters, none of them a control character`);
}

function invalid(where: string, got: string, expected: string): never {
  throw new DaybookError('E_INVALID', { where, got: JSON.stringify(got.slice(0, 200)), expected });
}
