import { createHash } from 'node:crypto';
import type { RateRow } from '../billing/rate-plan.ts';
import { DaybookError } from '../errors.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../money/decimal.ts';
import type { Tx } from './database.ts';
import { noteRateChange } from './rate-changes.ts';

/** Price lists of plans, each whole from its instant on; within a tenant. */

export interface NewVersion {
  readonly tenantId: string;
  readonly plan: string;
  /** UTC epoch ms. */
  readonly validFrom: number;
  /** Checked rows, in any order. */
  readonly rows: readonly RateRow[];
  readonly fileName: string;
  readonly loadedBy: string;
}

const BATCH_ROWS = 10_000;

/** Two lists are the same when their rows are, in whatever order and with whatever zeros. */
export function contentOf(rows: readonly RateRow[]): string {
  const lines = rows
    .map((row) =>
      JSON.stringify([
        row.prefix,
        row.window,
        row.fromSecond,
        row.description,
        formatDecimal(row.connectFee),
        formatDecimal(row.rate),
        row.rateUnitSeconds,
        row.incrementSeconds,
        row.minimumSeconds,
      ]),
    )
    .sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

/** Of the list that is valid from exactly this instant; null: there is none. */
export async function contentAt(
  tx: Tx,
  of: Pick<NewVersion, 'tenantId' | 'plan' | 'validFrom'>,
): Promise<string | null> {
  const [version] = await tx.query<{ content: string }>(
    `select content_sha256 as content from daybook.rate_versions
     where tenant_id = $1 and plan = $2
       and valid_from = timestamptz 'epoch' + $3::float8 * interval '1 millisecond'`,
    [of.tenantId, of.plan, of.validFrom],
  );
  return version?.content ?? null;
}

/** Adds a list, in place of one that is valid from the same instant. */
export async function putVersion(tx: Tx, version: NewVersion): Promise<void> {
  const { tenantId, plan, validFrom, rows } = version;
  const from = new Date(validFrom);
  await tx.run(
    `delete from daybook.rate_versions where tenant_id = $1 and plan = $2 and valid_from = $3`,
    [tenantId, plan, from],
  );
  await tx.run(
    `insert into daybook.rate_versions
       (tenant_id, plan, valid_from, row_count, content_sha256, file_name, loaded_by)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [tenantId, plan, from, rows.length, contentOf(rows), version.fileName, version.loadedBy],
  );
  for (let at = 0; at < rows.length; at += BATCH_ROWS) {
    const batch = rows.slice(at, at + BATCH_ROWS);
    await tx.run(
      `insert into daybook.rates (tenant_id, plan, valid_from, prefix, time_window, from_second,
         description, connect_fee, rate, rate_unit_seconds, increment_seconds, minimum_seconds)
       select $1, $2, $3, * from unnest($4::text[], $5::text[], $6::bigint[], $7::text[],
         $8::numeric[], $9::numeric[], $10::bigint[], $11::bigint[], $12::bigint[])`,
      [
        tenantId,
        plan,
        from,
        batch.map((row) => row.prefix),
        batch.map((row) => row.window),
        batch.map((row) => row.fromSecond),
        batch.map((row) => row.description),
        batch.map((row) => formatDecimal(row.connectFee)),
        batch.map((row) => formatDecimal(row.rate)),
        batch.map((row) => row.rateUnitSeconds),
        batch.map((row) => row.incrementSeconds),
        batch.map((row) => row.minimumSeconds),
      ],
    );
  }
  const what = `rates of ${plan} from ${from.toISOString()}`;
  await noteRateChange(tx, { tenantId, what, changedBy: version.loadedBy });
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function removeVersion(
  tx: Tx,
  of: Pick<NewVersion, 'tenantId' | 'plan' | 'validFrom'> & { readonly removedBy: string },
): Promise<void> {
  const from = new Date(of.validFrom);
  const removed = await tx.run(
    `delete from daybook.rate_versions where tenant_id = $1 and plan = $2 and valid_from = $3`,
    [of.tenantId, of.plan, from],
  );
  if (removed === 0) {
    throw new DaybookError('E_NOT_FOUND', { what: 'version', got: from.toISOString() });
  }
  const what = `no rates of ${of.plan} from ${from.toISOString()} any more`;
  await noteRateChange(tx, { tenantId: of.tenantId, what, changedBy: of.removedBy });
}

interface StoredRow extends Omit<RateRow, 'rate' | 'connectFee'> {
  readonly rate: string;
  readonly connectFee: string;
}

/** The rows of one list, in the order of prefixes. */
export async function readVersion(
  tx: Tx,
  of: Pick<NewVersion, 'tenantId' | 'plan' | 'validFrom'>,
): Promise<RateRow[]> {
  const rows = await tx.query<StoredRow>(
    `select prefix, time_window as window, from_second::float8 as "fromSecond", description,
       connect_fee::text as "connectFee", rate::text, rate_unit_seconds::float8 as "rateUnitSeconds",
       increment_seconds::float8 as "incrementSeconds", minimum_seconds::float8 as "minimumSeconds"
     from daybook.rates where tenant_id = $1 and plan = $2 and valid_from = $3
     order by prefix, time_window, from_second`,
    [of.tenantId, of.plan, new Date(of.validFrom)],
  );
  const decimal = (text: string) => parseDecimal(text) as Decimal;
  return rows.map((row) => ({
    ...row,
    rate: decimal(row.rate),
    connectFee: decimal(row.connectFee),
  }));
}
