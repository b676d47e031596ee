import type { Ask, AskedForm, UsedForm } from '../reports/demand.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';

/** What tenants asked for: runs of people and schedules, and summaries, which leave no run. */

/**
 * By tenant, each form once: what came after `since` and until `until` (UTC epoch ms), an hour of
 * one form and period as one. Left out: what failed or was cancelled, and what was not to use parts.
 */
export async function readUsedForms(
  tx: Tx,
  of: { readonly since: number; readonly until: number; readonly tenantId?: string | undefined },
): Promise<ReadonlyMap<string, readonly UsedForm[]>> {
  const rows = await tx.query<{ tenantId: string; form: AskedForm; asks: readonly AskCells[] }>(
    `with span as (
       select timestamptz 'epoch' + $1::float8 * interval '1 millisecond' as since,
         timestamptz 'epoch' + $2::float8 * interval '1 millisecond' as until),
     asks as (
       select tenant_id,
         (request - 'period' - 'cache') || '{"kind": "file"}' ||
           -- What is scheduled bears references however many rows it has.
           case when work_class = 'scheduled' and request ->> 'cellRefs' = 'auto'
             then '{"cellRefs": "always"}'::jsonb else '{}' end as form,
         request -> 'period' ->> 'from' as "from", request -> 'period' ->> 'to' as "to",
         max(created_at) as asked_at, count(*) as times
       from daybook.runs, span
       where created_at > since and created_at <= until
         and work_class in ('interactive', 'scheduled') and state not in ('failed', 'cancelled')
         and request -> 'cache' = 'true' and ($3::uuid is null or tenant_id = $3)
       group by tenant_id, form, "from", "to", date_trunc('hour', created_at)
       union all
       select tenant_id, form, to_char(period_from, 'YYYY-MM-DD'),
         to_char(period_to, 'YYYY-MM-DD'), last_asked_at, uses
       from daybook.summary_uses, span
       where last_asked_at > since and last_asked_at <= until
         and ($3::uuid is null or tenant_id = $3))
     select tenant_id as "tenantId", form, jsonb_agg(jsonb_build_array(
       "from", "to", floor(extract(epoch from asked_at) * 1000), times)) as asks
     from asks group by tenant_id, form`,
    [of.since, of.until, of.tenantId ?? null],
  );
  const byTenant = new Map<string, UsedForm[]>();
  for (const { tenantId, form, asks } of rows) {
    const used = { form, asks: asks.map(askOf) };
    const others = byTenant.get(tenantId);
    if (others) others.push(used);
    else byTenant.set(tenantId, [used]);
  }
  return byTenant;
}

type AskCells = readonly [from: string, to: string, askedAt: number, times: number];

function askOf([from, to, askedAt, times]: AskCells): Ask {
  return { period: { from, to }, askedAt, times };
}

/** Summaries of one form and period since the last time they were recorded. */
export interface SummaryUse {
  readonly tenantId: string;
  /** Names form and period. */
  readonly key: string;
  readonly form: AskedForm;
  readonly period: Period;
  readonly uses: number;
}

/** Adds to the uses of today (UTC), and forgets those that are older than `keptDays`. */
export async function recordSummaryUses(
  tx: Tx,
  uses: readonly SummaryUse[],
  keptDays: number,
): Promise<void> {
  await tx.run(
    `insert into daybook.summary_uses as s
       (tenant_id, asked_on, key, form, period_from, period_to, uses, last_asked_at)
     select e."tenantId", (now() at time zone 'UTC')::date, e.key, e.form,
       (e.period ->> 'from')::date, (e.period ->> 'to')::date, e.uses, now()
     from jsonb_to_recordset($1::jsonb) as e
       ("tenantId" uuid, key text, form jsonb, period jsonb, uses bigint)
     where exists (select from daybook.tenants t where t.id = e."tenantId")
     order by e."tenantId", e.key
     on conflict (tenant_id, asked_on, key) do update
       set uses = s.uses + excluded.uses, last_asked_at = excluded.last_asked_at`,
    [JSON.stringify(uses)],
  );
  await tx.run(
    `delete from daybook.summary_uses where asked_on < (now() at time zone 'UTC')::date - $1::int`,
    [keptDays],
  );
}
