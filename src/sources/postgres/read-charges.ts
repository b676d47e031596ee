import type { Chunk } from '../../reports/chunk.ts';
import type { Field } from '../../reports/dataset.ts';
import type { Database, Tx } from '../../store/database.ts';
import type { Period } from '../../time/period.ts';
import { copyChunks } from './copy-chunks.ts';

/** Our charges of a period, as one side of a reconciliation. */

export interface ChargesWanted {
  readonly tenantId: string;
  /** By the date on which they were billed. */
  readonly period: Period;
  /** Only those of calls over this trunk, in this direction; null: any. */
  readonly trunk: string | null;
  readonly direction: string | null;
}

/** What there is to compare: rated charges by currency, and how many calls could not be rated. */
export interface ChargesThere {
  readonly currencies: readonly { readonly currency: string; readonly rows: number }[];
  readonly unrated: number;
}

const SNAPSHOT = {
  isolation: 'repeatable read',
  readOnly: true,
  statementTimeoutMs: 15 * 60_000,
} as const;
const SILENCE_MS = 30_000;

const FIELDS: readonly Field[] = [
  { name: 'external_id', type: 'text', required: true },
  { name: 'started_at', type: 'instant', required: true },
  { name: 'caller', type: 'text', required: false },
  { name: 'callee', type: 'text', required: false },
  { name: 'billed_seconds', type: 'integer', required: true },
  { name: 'amount', type: 'decimal', required: true },
];

const WHERE = `billed_on between current_setting('daybook.from')::date and current_setting('daybook.to')::date
  and (current_setting('daybook.trunk') = '' or trunk = current_setting('daybook.trunk'))
  and (current_setting('daybook.direction') = '' or direction = current_setting('daybook.direction'))`;

/**
 * COPY takes no parameters: the values come to it by settings of the transaction, never by text.
 * The tenant is not among them; row-level security sees to that.
 */
const COPY_CHARGES = `copy (select external_id, started_at, caller, callee, billed_seconds, amount::text
  from daybook.charges where status = 'rated' and currency = current_setting('daybook.currency')
  and ${WHERE}) to stdout (format binary)`;

/**
 * Reads all rated charges in one currency, in one snapshot and in no order.
 * @param choose is told what there is in that snapshot, and says the currency
 * @param take gets the chunks: `external_id`, `started_at`, `caller`, `callee`, `billed_seconds`, `amount`
 * @throws DaybookError `E_UNAVAILABLE`; what `choose` and `take` throw
 */
export function readCharges(
  database: Database,
  wanted: ChargesWanted,
  choose: (there: ChargesThere) => string,
  take: (chunk: Chunk) => void,
  signal: AbortSignal,
): Promise<void> {
  return database.asTenant(
    wanted.tenantId,
    async (tx) => {
      signal.throwIfAborted();
      await setWanted(tx, wanted);
      const currency = choose(await chargesThere(tx));
      await tx.query(`select set_config('daybook.currency', $1, true)`, [currency]);
      const options = { signal, silenceMs: SILENCE_MS };
      for await (const chunk of copyChunks(tx, COPY_CHARGES, FIELDS, options)) take(chunk);
    },
    SNAPSHOT,
  );
}

async function setWanted(tx: Tx, { period, trunk, direction }: ChargesWanted): Promise<void> {
  await tx.query(
    `select set_config('daybook.from', $1, true), set_config('daybook.to', $2, true),
       set_config('daybook.trunk', $3, true), set_config('daybook.direction', $4, true)`,
    [period.from, period.to, trunk ?? '', direction ?? ''],
  );
}

async function chargesThere(tx: Tx): Promise<ChargesThere> {
  const rows = await tx.query<{ currency: string | null; rows: string }>(
    `select currency, count(*) as rows from daybook.charges where ${WHERE}
     group by currency order by count(*) desc, currency`,
  );
  return {
    currencies: rows.flatMap(({ currency, rows: count }) =>
      currency === null ? [] : [{ currency, rows: Number(count) }],
    ),
    unrated: Number(rows.find(({ currency }) => currency === null)?.rows ?? 0),
  };
}
