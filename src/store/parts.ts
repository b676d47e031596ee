import type { FragmentRef, RowsPartRef } from '../reports/day-task.ts';
import type { DayWindow } from '../time/day-window.ts';
import type { Tx } from './database.ts';

/** The index of what stands in the part store, and the totals, which outlive their parts. */

export type StoredPart =
  | { readonly kind: 'rows'; readonly ref: RowsPartRef }
  | { readonly kind: 'fragment'; readonly ref: FragmentRef };

/** Parts by key, marked as used. In a tenant's transaction. */
export async function findParts(
  tx: Tx,
  keys: readonly string[],
): Promise<ReadonlyMap<string, StoredPart>> {
  const rows = await tx.query<{ key: string; kind: 'rows' | 'fragment'; manifest: unknown }>(
    `update daybook.parts set last_used_at = now() where key = any($1)
     returning key, kind, manifest`,
    [keys],
  );
  return new Map(rows.map((row) => [row.key, { kind: row.kind, ref: row.manifest } as StoredPart]));
}

/** Takes parts into the index; a key that is there already gets the newer place. */
export async function recordParts(
  tx: Tx,
  tenantId: string,
  dataset: string,
  parts: readonly { readonly day: DayWindow; readonly part: StoredPart }[],
): Promise<void> {
  if (parts.length === 0) return;
  const entries = parts.map(({ day, part }) => ({
    key: part.ref.key,
    kind: part.kind,
    local_date: day.date,
    window_start: new Date(day.start).toISOString(),
    window_end: new Date(day.end).toISOString(),
    bytes: part.ref.bytes,
    manifest: part.ref,
  }));
  await tx.run(
    `insert into daybook.parts
       (tenant_id, key, kind, dataset, local_date, window_start, window_end, bytes, manifest)
     select $1, e.key, e.kind, $2, e.local_date, e.window_start, e.window_end, e.bytes, e.manifest
     from jsonb_to_recordset($3::jsonb) as e (key text, kind text, local_date date,
       window_start timestamptz, window_end timestamptz, bytes bigint, manifest jsonb)
     on conflict (tenant_id, key) do update
       set bytes = excluded.bytes, manifest = excluded.manifest, last_used_at = now()`,
    [tenantId, dataset, JSON.stringify(entries)],
  );
}

/**
 * What a fold left of one day: its totals and, for row reports, the rows that each piece of a file
 * would have, which depend on the filter alone.
 */
export interface StoredTotals {
  readonly totals: unknown;
  readonly pieceRows: readonly number[];
}

export async function findTotals<T extends StoredTotals>(
  tx: Tx,
  keys: readonly string[],
): Promise<ReadonlyMap<string, T>> {
  const rows = await tx.query<{ key: string; totals: T }>(
    'select key, totals from daybook.part_totals where key = any($1)',
    [keys],
  );
  return new Map(rows.map((row) => [row.key, row.totals]));
}

export async function recordTotals(
  tx: Tx,
  tenantId: string,
  entries: readonly {
    readonly key: string;
    readonly rowsKey: string;
    readonly totals: StoredTotals;
  }[],
): Promise<void> {
  if (entries.length === 0) return;
  await tx.run(
    `insert into daybook.part_totals (tenant_id, key, rows_key, totals)
     select $1, e.key, e."rowsKey", e.totals
     from jsonb_to_recordset($2::jsonb) as e (key text, "rowsKey" text, totals jsonb)
     on conflict (tenant_id, key) do nothing`,
    [tenantId, JSON.stringify(entries)],
  );
}
