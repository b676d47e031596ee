import { readCarrierFile } from '../../../src/ingest/carrier-file.ts';
import { formatDecimal } from '../../../src/money/decimal.ts';
import { writeReconciliation } from '../../../src/scheduler/reconcile/reconciliation-workbook.ts';
import {
  type RanReconciliation,
  runReconciliation,
} from '../../../src/scheduler/reconcile/run-reconciliation.ts';
import type { Database } from '../../../src/store/database.ts';
import { calendarOf } from '../../../src/time/calendar.ts';
import { pieces } from '../../ingest/support/load.ts';
import type { TestTenant } from '../../support/database.ts';

export const MARCH = { from: '2026-03-01', to: '2026-03-31' };

/** A charge as tests write it: id, start, caller, callee, seconds, amount. */
export type ChargeRow = readonly [string, string, string | null, string, number, string];

export async function addCharges(
  database: Database,
  tenant: TestTenant,
  rows: readonly ChargeRow[],
  more: { readonly currency?: string; readonly trunk?: string; readonly billedOn?: string } = {},
): Promise<void> {
  const of = (index: number) => rows.map((row) => row[index]);
  await database.asTenant(tenant.id, (tx) =>
    tx.run(
      `insert into daybook.charges (tenant_id, external_id, started_at, billed_on, status, payer,
         direction, caller, callee, trunk, billed_seconds, plan, prefix, amount, currency)
       select $1, c.id, c.at, coalesce($9::date, (c.at at time zone 'UTC')::date), 'rated', 'self',
         'outbound', c.caller, c.callee, $10, c.seconds, 'p', '4', c.amount, $8
       from unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[], $7::numeric[])
       as c (id, at, caller, callee, seconds, amount)`,
      [
        tenant.id,
        ...[0, 1, 2, 3, 4, 5].map(of),
        more.currency ?? 'EUR',
        more.billedOn ?? null,
        more.trunk ?? null,
      ],
    ),
  );
}

export async function run(
  database: Database,
  tenant: TestTenant,
  file: string | Buffer,
  options: {
    readonly name?: string;
    readonly map?: unknown;
    readonly zone?: string;
    readonly trunk?: string;
    readonly seconds?: number;
  } = {},
): Promise<RanReconciliation> {
  const name = options.name ?? 'carrier.csv';
  const signal = new AbortController().signal;
  return runReconciliation(
    {
      tenant: { id: tenant.id, calendar: calendarOf(options.zone ?? 'UTC') },
      period: MARCH,
      carrier: name,
      trunk: options.trunk ?? null,
      direction: null,
      countryCode: null,
      tolerances: { seconds: options.seconds ?? 5, amount: null },
    },
    (window, into) =>
      readCarrierFile(
        pieces(Buffer.from(file)),
        { name, format: null, map: options.map ?? null, window },
        into,
      ),
    { database, signal },
  );
}

export async function workbookOf(
  ran: RanReconciliation,
  limits: { readonly maxRows?: number; readonly refsUpTo?: number } = {},
): Promise<{ bytes: Buffer; sheets: string[] }> {
  const written: Uint8Array[] = [];
  const { currency, zone, unrated } = ran;
  const frame = { tenant: 'Acme', period: MARCH, zone, carrier: 'c.csv', currency, unrated };
  const sheets = await writeReconciliation(
    frame,
    { found: ran.found, parties: ran.parties, locale: 'en' },
    {
      out: async (bytes) => void written.push(Uint8Array.from(bytes)),
      signal: new AbortController().signal,
      ...limits,
    },
  );
  return { bytes: Buffer.concat(written), sheets };
}

/** `matched 1 0, only_ours 2 -3.50`: rows and what they explain, classes without rows left out. */
export function inWords({ found }: RanReconciliation): string {
  return Object.entries(found.classes)
    .filter(([, { ours }]) => ours.length > 0)
    .map(([name, { ours, explains }]) => {
      const money = formatDecimal({ unscaled: explains, scale: found.scale });
      return `${name} ${ours.length} ${money}`;
    })
    .join(', ');
}
