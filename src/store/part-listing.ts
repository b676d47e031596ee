import type { Tx } from './database.ts';
import { type PartRow, partOf, type StoredPart } from './parts.ts';

/** The index of the part store as those see it who look after it. System transactions. */

/** One file of the index. */
export interface IndexedPart {
  readonly tenantId: string;
  readonly path: string;
  readonly bytes: number;
  readonly part: StoredPart;
}

/** The index in the order of its places, a page at a time. */
export async function listParts(
  tx: Tx,
  page: {
    readonly tenantId?: string | undefined;
    readonly after: { readonly tenantId: string; readonly path: string } | null;
    readonly limit: number;
  },
): Promise<IndexedPart[]> {
  const rows = await tx.query<PartRow & { tenantId: string; bytes: number }>(
    `select tenant_id as "tenantId", path, bytes::float8 as bytes, kind, manifest
     from daybook.parts
     where ($1::uuid is null or tenant_id = $1)
       and ($2::uuid is null or (tenant_id, path) > ($2, $3))
     order by tenant_id, path limit $4`,
    [page.tenantId ?? null, page.after?.tenantId ?? null, page.after?.path ?? null, page.limit],
  );
  return rows.map((row) => ({
    tenantId: row.tenantId,
    path: row.path,
    bytes: row.bytes,
    part: partOf(row),
  }));
}

/** Those of some places that the index has. */
export async function knownPartPaths(
  tx: Tx,
  places: readonly { readonly tenantId: string; readonly path: string }[],
): Promise<Set<string>> {
  const rows = await tx.query<{ path: string }>(
    `select p.path from unnest($1::uuid[], $2::text[]) as asked (tenant_id, path)
     join daybook.parts p using (tenant_id, path)`,
    [places.map((place) => place.tenantId), places.map((place) => place.path)],
  );
  return new Set(rows.map(({ path }) => path));
}
