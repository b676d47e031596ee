import { checkFile, type FoundRows } from '../../billing/reconcile/check-file.ts';
import { Parties } from '../../billing/reconcile/parties.ts';
import { type Reconciled, reconcile, type Tolerances } from '../../billing/reconcile/reconcile.ts';
import { type Side, SideBuilder } from '../../billing/reconcile/side.ts';
import { TextTable } from '../../billing/reconcile/text-table.ts';
import type { ChargesThere } from '../../sources/postgres/read-charges.ts';
import { readCharges } from '../../sources/postgres/read-charges.ts';
import type { Database } from '../../store/database.ts';
import type { Tenant } from '../../store/tenants.ts';
import { windowOf, zoneOn } from '../../time/calendar.ts';
import type { Period } from '../../time/period.ts';
import { addCharges } from './charges-side.ts';

export interface ReconciliationWanted {
  readonly tenant: Pick<Tenant, 'id' | 'calendar'>;
  readonly period: Period;
  /** Name of the carrier's file, for messages. */
  readonly carrier: string;
  /** Only charges of calls over this trunk, in this direction; null: any. */
  readonly trunk: string | null;
  readonly direction: string | null;
  /** What a leading 0 of a national number stands for; null: nothing. */
  readonly countryCode: string | null;
  readonly tolerances: Tolerances;
}

/** Reads the carrier's rows into the tables that both sides share. */
export type ReadCarrier = (
  window: { readonly start: number; readonly end: number },
  into: { readonly ids: TextTable; readonly parties: Parties; readonly signal: AbortSignal },
) => Promise<{ readonly side: Side; readonly found: FoundRows }>;

export interface RanReconciliation {
  readonly found: Reconciled;
  readonly parties: Parties;
  readonly currency: string;
  /** Of the period's last day. */
  readonly zone: string;
  /** Charges that have no amount, and so take no part. */
  readonly unrated: number;
}

/**
 * Compares a carrier's rows with the rated charges of a period. The carrier's come first, so that
 * a file of another period or currency is refused before anything is compared.
 * @throws DaybookError `E_INPUT`, `E_MAP`, `E_UNAVAILABLE`
 */
export async function runReconciliation(
  wanted: ReconciliationWanted,
  readCarrier: ReadCarrier,
  deps: { readonly database: Database; readonly signal: AbortSignal },
): Promise<RanReconciliation> {
  const { tenant, period, carrier, trunk, direction } = wanted;
  const { database, signal } = deps;
  const ids = new TextTable();
  const parties = new Parties(wanted.countryCode);
  const zone = zoneOn(tenant.calendar, period.to);
  const theirs = await readCarrier(windowOf(tenant.calendar, period), { ids, parties, signal });

  const ours = new SideBuilder();
  let currency = '';
  let unrated = 0;
  const choose = (there: ChargesThere): string => {
    currency = checkFile(theirs.found, { name: carrier, period, zone, charges: there.currencies });
    ({ unrated } = there);
    return currency;
  };
  await readCharges(
    database,
    { tenantId: tenant.id, period, trunk, direction },
    choose,
    (chunk) => addCharges(ours, chunk, { ids, parties }),
    signal,
  );
  signal.throwIfAborted();
  const sides = { ours: ours.build(), theirs: theirs.side, ids };
  const found = reconcile(sides, wanted.tolerances);
  return { found, parties, currency, zone, unrated };
}
