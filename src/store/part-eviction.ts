import type { Tx } from './database.ts';
import { PINNED } from './part-pins.ts';

/** Parts leave the index: to make room. System transactions. */

export interface PartFile {
  readonly tenantId: string;
  /** Relative to the home folder. */
  readonly path: string;
  readonly bytes: number;
}

/** How much stands in the index, of all tenants. */
export async function heldParts(tx: Tx): Promise<{ parts: number; bytes: number }> {
  const [row] = await tx.query<{ parts: number; bytes: number }>(
    `select count(*)::float8 as parts, coalesce(sum(bytes), 0)::float8 as bytes from daybook.parts`,
  );
  return row;
}

/**
 * Takes the least recently used parts that nobody has pinned out of the index, until `bytes` are
 * free or `limit` parts are gone. The caller removes their files once this is committed. Fewer than
 * asked for: the rest is pinned, or in use at this moment.
 *
 * They are locked first and their pins looked at by a second statement, which sees all that
 * was committed until the locks were there. Who looks for a part holds a lock on it until its pins
 * are committed. So one of the two always sees the other.
 */
export async function evictParts(tx: Tx, bytes: number, limit: number): Promise<PartFile[]> {
  const chosen = await tx.query<PartFile>(
    `with ${PINNED}, oldest as materialized (
       select p.tenant_id, p.path, p.bytes, p.last_used_at from daybook.parts p
       where not exists (
         select from pinned where pinned.tenant_id = p.tenant_id and pinned.path = p.path)
       order by p.last_used_at, p.path limit $2),
     needed as materialized (
       select *, sum(bytes) over (order by last_used_at, path) - bytes as bytes_before from oldest)
     select p.tenant_id as "tenantId", p.path, p.bytes::float8 as bytes
     from needed n join daybook.parts p
       on p.tenant_id = n.tenant_id and p.path = n.path and p.last_used_at = n.last_used_at
     where n.bytes_before < $1
     for update of p skip locked`,
    [bytes, limit],
  );
  return deleteUnpinned(tx, chosen);
}

/** Looks at the pins once more, under locks that the caller holds. */
export async function deleteUnpinned(tx: Tx, chosen: readonly PartFile[]): Promise<PartFile[]> {
  if (chosen.length === 0) return [];
  return tx.query(
    `with ${PINNED}
     delete from daybook.parts p
     using unnest($1::uuid[], $2::text[]) as chosen (tenant_id, path)
     where p.tenant_id = chosen.tenant_id and p.path = chosen.path and not exists (
       select from pinned where pinned.tenant_id = p.tenant_id and pinned.path = p.path)
     returning p.tenant_id as "tenantId", p.path, p.bytes::float8 as bytes`,
    placesOf(chosen),
  );
}

export function placesOf(parts: readonly PartFile[]): [string[], string[]] {
  return [parts.map((part) => part.tenantId), parts.map((part) => part.path)];
}
