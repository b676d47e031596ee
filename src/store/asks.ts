import type { Ask, AskedForm } from '../reports/demand.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';

/** What tenants asked for: runs of people and schedules, and summaries, which leave no run. */

export interface TenantAsk extends Ask {
  readonly tenantId: string;
}

/**
 * What came after `since` and until `until` (UTC epoch ms), an hour of one form and period as one.
 * Left out: what failed or was cancelled, and what was not to use parts.
 */
export async function readAsks(
  tx: Tx,
  of: { readonly since: number; readonly until: number; readonly tenantId?: string | undefined },
): Promise<TenantAsk[]> {
  const rows = await tx.query<Omit<TenantAsk, 'period'> & Period>(
    `with span as (
       select timestamptz 'epoch' + $1::float8 * interval '1 millisecond' as since,
         timestamptz 'epoch' + $2::float8 * interval '1 millisecond' as until)
     select tenant_id as "tenantId",
       (request - 'period' - 'cache') || '{"kind": "file"}' as form,
       request -> 'period' ->> 'from' as "from", request -> 'period' ->> 'to' as "to",
       floor(extract(epoch from max(created_at)) * 1000)::float8 as "askedAt",
       count(*)::float8 as times
     from daybook.runs, span
     where created_at > since and created_at <= until
       and work_class in ('interactive', 'scheduled') and state not in ('failed', 'cancelled')
       and request -> 'cache' = 'true' and ($3::uuid is null or tenant_id = $3)
     group by tenant_id, form, "from", "to", date_trunc('hour', created_at)
     union all
     select tenant_id, form, to_char(period_from, 'YYYY-MM-DD'), to_char(period_to, 'YYYY-MM-DD'),
       floor(extract(epoch from last_asked_at) * 1000)::float8, uses::float8
     from daybook.summary_uses, span
     where last_asked_at > since and last_asked_at <= until
       and ($3::uuid is null or tenant_id = $3)`,
    [of.since, of.until, of.tenantId ?? null],
  );
  return rows.map(({ from, to, ...ask }) => ({ ...ask, period: { from, to } }));
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
