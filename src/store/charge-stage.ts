import type { Tx } from './database.ts';

/**
 * Charges on their way into the table: staged rows of a span of instants, compared with what stands
 * there, then written where they are new or different.
 */

/** Columns of the stage, in the order in which they are written; decimals and dates as text. */
export const STAGED_CHARGE = {
  external_id: 'text collate "C"',
  started_at: 'timestamptz',
  billed_on: 'text',
  status: 'text',
  reason: 'text',
  payer: 'text',
  direction: 'text',
  caller: 'text',
  callee: 'text',
  agent: 'text',
  trunk: 'text',
  actual_seconds: 'bigint',
  billed_seconds: 'bigint',
  plan: 'text',
  plan_from: 'timestamptz',
  prefix: 'text',
  rate: 'text',
  rate_unit_seconds: 'bigint',
  increment_seconds: 'bigint',
  minimum_seconds: 'bigint',
  connect_fee: 'text',
  lines: 'jsonb',
  rounding: 'text',
  rounding_step: 'text',
  amount: 'text',
  currency: 'text',
} as const;

const NAMES = Object.keys(STAGED_CHARGE);
const CASTS: Readonly<Record<string, string>> = {
  billed_on: 'date',
  rate: 'numeric',
  connect_fee: 'numeric',
  rounding_step: 'numeric',
  amount: 'numeric',
};
const stagedValue = (name: string) => `s.${name}${CASTS[name] ? `::${CASTS[name]}` : ''}`;
/** What a call says itself: while that stays, new calls alone do not change a charge. */
const INPUTS = [
  ...['started_at', 'actual_seconds', 'direction', 'caller', 'callee', 'agent', 'trunk'],
];
/** What tells two charges of a call apart. When it was rated does not, and neither does its line. */
const OUTCOME = NAMES.filter((name) => name !== 'external_id');

export async function makeChargeStage(tx: Tx): Promise<void> {
  const list = Object.entries(STAGED_CHARGE).map(([name, type]) => `${name} ${type}`);
  await tx.run(`create temporary table daybook_charges (${list.join(', ')}) on commit drop`);
}

export interface ChargeSpan {
  readonly tenantId: string;
  /** UTC epoch ms, half-open: what stands there and is not staged is removed. */
  readonly start: number;
  readonly end: number;
  /** `new`: a rated call that says what it said stays as it was charged. */
  readonly mode: 'new' | 'again';
  /** Local dates that are locked: their charges stay. */
  readonly lockedDates: readonly string[];
}

export interface ChargeChange {
  readonly payer: string;
  readonly currency: string;
  readonly billedOn: string;
  /** Of charges that were not there before. */
  readonly added: string;
  /** Of charges that changed or went. */
  readonly changed: string;
}

export interface ChargeCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Of the span, staged or standing after the change. */
  readonly unrated: number;
}

/** Compares the stage with what stands; nothing is written yet. */
export async function compareCharges(
  tx: Tx,
  span: ChargeSpan,
): Promise<{ readonly counts: ChargeCounts; readonly changes: readonly ChargeChange[] }> {
  await tx.run('analyze pg_temp.daybook_charges');
  const different =
    span.mode === 'again'
      ? `(${OUTCOME.map((name) => `c.${name}`).join(', ')}) is distinct from
         (${OUTCOME.map(stagedValue).join(', ')})`
      : `c.status = 'unrated' and (c.status, c.reason) is distinct from (s.status, s.reason) or
         (${INPUTS.map((name) => `c.${name}`).join(', ')}) is distinct from
         (${INPUTS.map(stagedValue).join(', ')})`;
  await tx.run(
    `create temporary table daybook_changes on commit drop as
     select s.external_id, c.external_id is null as is_new, false as is_gone,
       c.payer as old_payer, c.currency as old_currency, c.billed_on as old_date,
       c.amount as old_amount, s.payer, s.currency, s.billed_on::date as date,
       s.amount::numeric as amount
     from pg_temp.daybook_charges s
     left join daybook.charges c on c.tenant_id = $1 and c.external_id = s.external_id
     where c.external_id is null or c.billed_on <> all ($2::date[]) and (${different})`,
    [span.tenantId, span.lockedDates],
  );
  await tx.run(
    `insert into pg_temp.daybook_changes
     select c.external_id, false, true, c.payer, c.currency, c.billed_on, c.amount
     from daybook.charges c
     where c.tenant_id = $1 and c.started_at >= $2 and c.started_at < $3
       and c.billed_on <> all ($4::date[])
       and not exists (
         select from pg_temp.daybook_charges s where s.external_id = c.external_id)`,
    [span.tenantId, new Date(span.start), new Date(span.end), span.lockedDates],
  );
  const [counts] = await tx.query<ChargeCounts>(
    `select count(*) filter (where is_new)::float8 as added,
       count(*) filter (where not is_new and not is_gone)::float8 as changed,
       count(*) filter (where is_gone)::float8 as removed,
       (select count(*)::float8 from pg_temp.daybook_charges where status = 'unrated') as unrated
     from pg_temp.daybook_changes`,
  );
  const changes = await tx.query<ChargeChange>(
    `select payer, currency, to_char(date, 'YYYY-MM-DD') as "billedOn",
       coalesce(sum(amount) filter (where is_new), 0)::text as added,
       coalesce(sum(amount) filter (where not is_new), 0)::text as changed
     from (
       select payer, currency, date, amount, is_new from pg_temp.daybook_changes
       where amount is not null
       union all
       select old_payer, old_currency, old_date, -old_amount, false from pg_temp.daybook_changes
       where old_amount is not null) d
     group by payer, currency, date
     order by payer collate "C", currency collate "C", date`,
  );
  return { counts, changes };
}

/** Writes what {@link compareCharges} found. */
export async function writeCharges(tx: Tx, tenantId: string, counts: ChargeCounts): Promise<void> {
  if (counts.removed > 0) {
    await tx.run(
      `delete from daybook.charges c using pg_temp.daybook_changes d
       where c.tenant_id = $1 and c.external_id = d.external_id and d.is_gone`,
      [tenantId],
    );
  }
  if (counts.changed > 0) {
    await tx.run(
      `update daybook.charges c
       set ${OUTCOME.map((name) => `${name} = ${stagedValue(name)}`).join(', ')}, rated_at = now()
       from pg_temp.daybook_charges s
       join pg_temp.daybook_changes d on d.external_id = s.external_id
         and not d.is_new and not d.is_gone
       where c.tenant_id = $1 and c.external_id = s.external_id`,
      [tenantId],
    );
  }
  if (counts.added > 0) {
    await tx.run(
      `insert into daybook.charges (tenant_id, ${NAMES.join(', ')})
       select $1, ${NAMES.map(stagedValue).join(', ')} from pg_temp.daybook_charges s
       where exists (select from pg_temp.daybook_changes d
         where d.external_id = s.external_id and d.is_new)`,
      [tenantId],
    );
  }
}
