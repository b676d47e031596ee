import type { DatasetName } from '../reports/dataset.ts';
import type { Demand } from '../reports/demand.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { Tx } from './database.ts';
import { insertRun, type RunState } from './runs.ts';

/**
 * The days that are made ahead of demand: a line per tenant, dataset, calendar and date. The line
 * is what makes two passes at once, or a pass that is done again, plan a day once.
 */

/** Times are UTC epoch ms. */
export interface DayAhead {
  readonly tenantId: string;
  readonly dataset: DatasetName;
  /** Null: a day of the tenant's own calendar. */
  readonly zone: string | null;
  readonly date: string;
  readonly rowsKey: string;
  readonly forms: readonly Demand[];
  readonly plannedAt: number;
  readonly lookedAt: number;
  /** Null: the day has no rows, and nothing is made of it. */
  readonly runId: string | null;
  readonly runState: RunState | null;
}

/** Those of `fromDate` and later. */
export async function listDaysAhead(
  tx: Tx,
  of: { readonly fromDate: string; readonly tenantId?: string | undefined },
): Promise<DayAhead[]> {
  return tx.query(
    `select d.tenant_id as "tenantId", d.dataset, nullif(d.zone, '') as zone,
       to_char(d.local_date, 'YYYY-MM-DD') as date, d.rows_key as "rowsKey", d.forms,
       floor(extract(epoch from d.planned_at) * 1000)::float8 as "plannedAt",
       floor(extract(epoch from d.looked_at) * 1000)::float8 as "lookedAt",
       d.run_id as "runId", r.state as "runState"
     from daybook.days_ahead d
     left join daybook.runs r on r.tenant_id = d.tenant_id and r.id = d.run_id
     where d.local_date >= $1::date and ($2::uuid is null or d.tenant_id = $2)
     order by d.local_date desc, d.tenant_id, d.dataset, d.zone`,
    [of.fromDate, of.tenantId ?? null],
  );
}

export interface NewDayAhead extends Pick<DayAhead, 'tenantId' | 'dataset' | 'zone' | 'date'> {
  readonly rowsKey: string;
  readonly forms: readonly Demand[];
  /** UTC epoch ms. */
  readonly now: number;
  /** A plan of this time came to nothing and is made again; null: only for other rows. */
  readonly instead: number | null;
  /** Null: there is nothing to make. */
  readonly request: ReportRequest | null;
}

/** Plans a day with a run of class `precache`. Null: another pass did, for the same rows. */
export async function planDayAhead(tx: Tx, day: NewDayAhead): Promise<string | null> {
  const { tenantId, dataset, date, rowsKey } = day;
  const place = [tenantId, dataset, day.zone ?? '', date];
  const planned = await tx.run(
    `insert into daybook.days_ahead as d
       (tenant_id, dataset, zone, local_date, rows_key, forms, planned_at, looked_at)
     select $1, $2, $3, $4::date, $5, $6, t.at, t.at
     from (select timestamptz 'epoch' + $7::float8 * interval '1 millisecond' as at) t
     on conflict (tenant_id, dataset, zone, local_date) do update
       set rows_key = excluded.rows_key, forms = excluded.forms, run_id = null,
         planned_at = excluded.planned_at, looked_at = excluded.looked_at
       where d.rows_key <> excluded.rows_key
         or floor(extract(epoch from d.planned_at) * 1000) = $8::float8`,
    [...place, rowsKey, JSON.stringify(day.forms), day.now, day.instead],
  );
  if (planned === 0 || !day.request) return null;
  const { id } = await insertRun(tx, {
    tenantId,
    request: day.request,
    workClass: 'precache',
    requestedBy: 'daybook:demand',
    daysTotal: 1,
  });
  await tx.run(
    `update daybook.days_ahead set run_id = $5
     where tenant_id = $1 and dataset = $2 and zone = $3 and local_date = $4::date`,
    [...place, id],
  );
  return id;
}

/** Notes that a day's rows are still those that were planned. */
export async function noteLook(
  tx: Tx,
  day: Pick<DayAhead, 'tenantId' | 'dataset' | 'zone' | 'date'>,
  now: number,
): Promise<void> {
  await tx.run(
    `update daybook.days_ahead
     set looked_at = timestamptz 'epoch' + $5::float8 * interval '1 millisecond'
     where tenant_id = $1 and dataset = $2 and zone = $3 and local_date = $4::date`,
    [day.tenantId, day.dataset, day.zone ?? '', day.date, now],
  );
}

/** In what forms the day of a run is to be made; none when it was planned anew since. */
export async function findFormsAhead(tx: Tx, runId: string): Promise<readonly Demand[]> {
  const [row] = await tx.query<{ forms: readonly Demand[] }>(
    'select forms from daybook.days_ahead where run_id = $1::uuid',
    [runId],
  );
  return row?.forms ?? [];
}

/** Forgets the lines before a date. */
export async function forgetDaysAhead(tx: Tx, beforeDate: string): Promise<void> {
  await tx.run('delete from daybook.days_ahead where local_date < $1::date', [beforeDate]);
}
