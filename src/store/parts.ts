import type { FragmentRef, RowsFacts, RowsPartRef } from '../reports/day-task.ts';
import type { DayWindow } from '../time/day-window.ts';
import type { Tx } from './database.ts';

/** The index of what stands in the part store, and the totals, which outlive their parts. */

export type StoredPart =
  | { readonly kind: 'rows'; readonly ref: RowsPartRef }
  | { readonly kind: 'fragment'; readonly ref: FragmentRef };

/**
 * Parts by key, marked as used: to the minute, and only those that nobody else is writing, so that
 * looking never waits, nor ends in a deadlock with those who record. In a tenant's transaction.
 */
export async function findParts(
  tx: Tx,
  keys: readonly string[],
): Promise<ReadonlyMap<string, StoredPart>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.query<{ key: string; kind: 'rows' | 'fragment'; manifest: unknown }>(
    'select key, kind, manifest from daybook.parts where key = any($1)',
    [keys],
  );
  await tx.run(
    `update daybook.parts p set last_used_at = now()
     from (select key from daybook.parts
           where key = any($1) and last_used_at < now() - interval '1 minute'
           for no key update skip locked) idle
     where p.key = idle.key`,
    [rows.map((row) => row.key)],
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
 * What a fold left of one day: its totals, what a document says of its rows and, for row reports,
 * the rows that each piece of a file would have, which depend on the filter alone.
 */
export interface StoredTotals {
  readonly totals: unknown;
  readonly pieceRows: readonly number[];
  /** Of the rows that were folded: with it the rows part itself is not needed any more. */
  readonly rows: RowsFacts;
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

/**
 * Per rows key, totals of the same family by `dimensions` in any order or, if `more`, by those and
 * others: the smallest that are there.
 */
export async function findFinerTotals<T extends StoredTotals>(
  tx: Tx,
  wanted: {
    readonly of: readonly { readonly rowsKey: string; readonly family: string }[];
    readonly dimensions: readonly string[];
    readonly more: boolean;
  },
): Promise<ReadonlyMap<string, { readonly dimensions: readonly string[]; readonly totals: T }>> {
  if (wanted.of.length === 0) return new Map();
  const rows = await tx.query<{ rowsKey: string; dimensions: string[]; totals: T }>(
    `select distinct on (t.rows_key) t.rows_key as "rowsKey", t.dimensions, t.totals
     from daybook.part_totals t
     join unnest($1::text[], $2::text[]) as w (rows_key, family)
       on t.rows_key = w.rows_key and t.family = w.family
     where t.dimensions @> $3::text[]
       and ($4 or cardinality(t.dimensions) = cardinality($3::text[]))
     order by t.rows_key, pg_column_size(t.totals), t.key`,
    [
      wanted.of.map(({ rowsKey }) => rowsKey),
      wanted.of.map(({ family }) => family),
      wanted.dimensions,
      wanted.more,
    ],
  );
  return new Map(rows.map(({ rowsKey, dimensions, totals }) => [rowsKey, { dimensions, totals }]));
}

export async function recordTotals(
  tx: Tx,
  tenantId: string,
  entries: readonly {
    readonly key: string;
    readonly rowsKey: string;
    /** What decides them but the rows and the dimensions. */
    readonly family: string;
    readonly dimensions: readonly string[];
    readonly totals: StoredTotals;
  }[],
): Promise<void> {
  if (entries.length === 0) return;
  await tx.run(
    `insert into daybook.part_totals (tenant_id, key, rows_key, family, dimensions, totals)
     select $1, e.key, e."rowsKey", e.family, e.dimensions, e.totals
     from jsonb_to_recordset($2::jsonb) as e
       (key text, "rowsKey" text, family text, dimensions text[], totals jsonb)
     order by e.key
     on conflict (tenant_id, key) do nothing`,
    [tenantId, JSON.stringify(entries)],
  );
}
