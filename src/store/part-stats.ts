import type { Tx } from './database.ts';
import { PINNED } from './part-pins.ts';

/** What stands in the part store, counted. */

export interface PartStats {
  /** The tenant's name. */
  readonly tenant: string;
  readonly kind: 'rows' | 'fragment';
  readonly parts: number;
  readonly bytes: number;
  /** Needed by runs under way. */
  readonly pinnedParts: number;
  readonly pinnedBytes: number;
  /** The least recent use of any, to the minute, UTC epoch ms. */
  readonly oldestUse: number;
}

/** By tenant and kind, in the order of names. Null: of all tenants. In a system transaction. */
export async function partStats(tx: Tx, tenantId: string | null): Promise<PartStats[]> {
  return tx.query(
    `with ${PINNED}
     select t.name as tenant, p.kind, count(*)::float8 as parts, sum(p.bytes)::float8 as bytes,
       count(pinned.path)::float8 as "pinnedParts",
       coalesce(sum(p.bytes) filter (where pinned.path is not null), 0)::float8 as "pinnedBytes",
       floor(extract(epoch from min(p.last_used_at)) * 1000)::float8 as "oldestUse"
     from daybook.parts p join daybook.tenants t on t.id = p.tenant_id
     left join pinned on pinned.tenant_id = p.tenant_id and pinned.path = p.path
     where $1::uuid is null or p.tenant_id = $1
     group by t.name, p.kind order by t.name collate "C", p.kind desc`,
    [tenantId],
  );
}

/** Totals that are kept beside the parts. */
export async function countTotals(tx: Tx, tenantId: string | null): Promise<number> {
  const [row] = await tx.query<{ totals: number }>(
    `select count(*)::float8 as totals from daybook.part_totals
     where $1::uuid is null or tenant_id = $1`,
    [tenantId],
  );
  return row.totals;
}
