import type { Tx } from './database.ts';

/** How far a dataset is known to be complete, by an explicit mark; null: nobody ever said. */
export async function findCompleteThrough(tx: Tx, dataset: string): Promise<number | null> {
  const [row] = await tx.query<{ ms: string }>(
    `select (extract(epoch from min(complete_through)) * 1000)::bigint as ms
     from daybook.completeness where dataset = $1`,
    [dataset],
  );
  return row?.ms == null ? null : Number(row.ms);
}

/** The database's clock, UTC epoch ms. */
export async function databaseNow(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ ms: string }>(
    'select (extract(epoch from now()) * 1000)::bigint as ms',
  );
  return Number(row.ms);
}

/** The marks of all tenants, those that some dataset has. System transaction. */
export async function listCompleteThrough(
  tx: Tx,
): Promise<{ readonly tenantId: string; readonly dataset: string; readonly ms: number }[]> {
  return tx.query(
    `select tenant_id as "tenantId", dataset,
       floor(extract(epoch from min(complete_through)) * 1000)::float8 as ms
     from daybook.completeness group by tenant_id, dataset`,
  );
}

/** Both in one round trip. */
export async function findClockAndMark(
  tx: Tx,
  dataset: string,
): Promise<{ readonly now: number; readonly completeThrough: number | null }> {
  const [row] = await tx.query<{ now_ms: string; mark_ms: string | null }>(
    `select (extract(epoch from now()) * 1000)::bigint as now_ms,
       (extract(epoch from min(complete_through)) * 1000)::bigint as mark_ms
     from daybook.completeness where dataset = $1`,
    [dataset],
  );
  const { now_ms, mark_ms } = row;
  return { now: Number(now_ms), completeThrough: mark_ms === null ? null : Number(mark_ms) };
}

/**
 * Says that the rows of a dataset in a source are complete through an instant (UTC epoch ms); it
 * never moves back. Tenant transaction.
 * @returns how far they are said to be now; null: nothing of the tenant is bound there
 */
export async function markSource(
  tx: Tx,
  of: {
    readonly tenantId: string;
    readonly dataset: string;
    readonly sourceId: string;
    readonly completeThrough: number;
  },
): Promise<number | null> {
  const [row] = await tx.query<{ ms: number }>(
    `insert into daybook.dataset_marks as m (tenant_id, dataset, source, complete_through)
     select b.tenant_id, b.dataset, b.source_id::text, $4 from daybook.source_bindings b
     where b.tenant_id = $1 and b.dataset = $2 and b.source_id = $3 limit 1
     on conflict (tenant_id, dataset, source) do update
     set complete_through = greatest(m.complete_through, excluded.complete_through),
       marked_at = statement_timestamp()
     returning floor(extract(epoch from complete_through) * 1000)::float8 as ms`,
    [of.tenantId, of.dataset, of.sourceId, new Date(of.completeThrough)],
  );
  return row?.ms ?? null;
}
