import type { Tx } from './database.ts';
import { deleteUnpinned, type PartFile, placesOf } from './part-eviction.ts';
import { PINNED } from './part-pins.ts';

/** Parts leave the index: because a person says so. System transactions. */

/** What `daybook cache drop` names. All of it must hold. */
export interface PartFilter {
  /** Null: of every tenant. */
  readonly tenantId: string | null;
  readonly dataset: string | null;
  /** Inclusive local dates. */
  readonly from: string | null;
  readonly to: string | null;
}

const MATCHES = `($1::uuid is null or p.tenant_id = $1) and ($2::text is null or p.dataset = $2)
  and ($3::date is null or p.local_date >= $3) and ($4::date is null or p.local_date <= $4)`;

/**
 * Takes up to `limit` of the named parts that nobody has pinned out of the index, and the totals of
 * their days with them.
 */
export async function dropParts(tx: Tx, filter: PartFilter, limit: number): Promise<PartFile[]> {
  const { tenantId, dataset, from, to } = filter;
  const chosen = await tx.query<PartFile>(
    `with ${PINNED}
     select p.tenant_id as "tenantId", p.path, p.bytes::float8 as bytes from daybook.parts p
     where ${MATCHES} and not exists (
       select from pinned where pinned.tenant_id = p.tenant_id and pinned.path = p.path)
     limit $5 for update of p skip locked`,
    [tenantId, dataset, from, to, limit],
  );
  await tx.run(
    `delete from daybook.part_totals t
     using unnest($1::uuid[], $2::text[]) as chosen (tenant_id, path)
     join daybook.parts p on p.tenant_id = chosen.tenant_id and p.path = chosen.path
     where t.tenant_id = p.tenant_id and (t.rows_key = p.key or t.dataset = p.dataset
       and t.window_start = p.window_start and t.window_end = p.window_end)`,
    placesOf(chosen),
  );
  return deleteUnpinned(tx, chosen);
}

/** Totals of one tenant, or of all. */
export async function dropTotals(tx: Tx, tenantId: string | null): Promise<number> {
  return tx.run('delete from daybook.part_totals where $1::uuid is null or tenant_id = $1', [
    tenantId,
  ]);
}

export async function countParts(tx: Tx, filter: PartFilter): Promise<number> {
  const { tenantId, dataset, from, to } = filter;
  const [row] = await tx.query<{ parts: number }>(
    `select count(*)::float8 as parts from daybook.parts p where ${MATCHES}`,
    [tenantId, dataset, from, to],
  );
  return row.parts;
}
