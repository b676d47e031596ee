import type { FragmentRef, RowsFacts, RowsPartRef } from '../reports/day-task.ts';
import type { DayWindow } from '../time/day-window.ts';
import type { Tx } from './database.ts';
import { type PinHolder, pinParts } from './part-pins.ts';

/** The index of the part store, a row for each file; and the totals, which outlive their parts. */

export type StoredPart =
  | { readonly kind: 'rows'; readonly ref: RowsPartRef }
  | { readonly kind: 'fragment'; readonly ref: FragmentRef };

/** Who works on the index, for which tenant. */
export interface PartUse {
  readonly tenantId: string;
  /** Null: nothing is pinned, so what is found may be gone when it is read. */
  readonly holder: PinHolder | null;
}

/**
 * Parts by key, pinned and marked as used: to the minute, and only those that nobody else is
 * writing, so that looking never waits, nor ends in a deadlock with those who record. What is being
 * evicted at this moment is not found. In a tenant's transaction.
 */
export async function findParts(
  tx: Tx,
  use: PartUse,
  keys: readonly string[],
): Promise<ReadonlyMap<string, StoredPart>> {
  if (keys.length === 0) return new Map();
  // The lock is what eviction steps back from until the pins are there for it to see.
  const rows = await tx.query<PartRow & { key: string; idle: boolean }>(
    `select key, path, kind, manifest, last_used_at < now() - interval '1 minute' as idle
     from daybook.parts where key = any($1)
     order by created_at, path for key share skip locked`,
    [keys],
  );
  const chosen = new Map(rows.map((row) => [row.key, row]));
  const found = new Map([...chosen].map(([key, row]) => [key, partOf(row)]));
  const idle = [...chosen.values()].flatMap((row) => (row.idle ? [row.path] : []));
  await Promise.all([
    idle.length > 0 ? markUsed(tx, use.tenantId, idle) : null,
    use.holder ? pinParts(tx, use.tenantId, use.holder, pathsOf([...found.values()])) : null,
  ]);
  return found;
}

async function markUsed(tx: Tx, tenantId: string, paths: readonly string[]): Promise<void> {
  await tx.run(
    `update daybook.parts p set last_used_at = now()
     from (select path from daybook.parts
           where tenant_id = $1 and path = any($2) and last_used_at < now() - interval '1 minute'
           for no key update skip locked) idle
     where p.tenant_id = $1 and p.path = idle.path`,
    [tenantId, paths],
  );
}

/** Takes the parts of a day into the index and pins them. Of a key's files the newest is found. */
export async function recordParts(
  tx: Tx,
  use: PartUse,
  dataset: string,
  day: DayWindow,
  parts: readonly StoredPart[],
): Promise<void> {
  const entries = parts.map((part) => ({
    path: part.ref.path,
    key: part.ref.key,
    kind: part.kind,
    bytes: part.ref.bytes,
    manifest: part.ref,
  }));
  // Recorded twice only where two runs waited for the same making.
  await tx.run(
    `insert into daybook.parts
       (tenant_id, path, key, kind, dataset, local_date, window_start, window_end, bytes, manifest)
     select $1, e.path, e.key, e.kind, $2, $4, $5, $6, e.bytes, e.manifest
     from jsonb_to_recordset($3::jsonb)
       as e (path text, key text, kind text, bytes bigint, manifest jsonb)
     order by e.path
     on conflict (tenant_id, path) do update set last_used_at = now()`,
    [use.tenantId, dataset, JSON.stringify(entries), day.date, ...windowOf(day)],
  );
  if (use.holder) await pinParts(tx, use.tenantId, use.holder, pathsOf(parts));
}

/** Takes files out of the index, by their places: what is made again has another. */
export async function forgetParts(
  tx: Tx,
  tenantId: string,
  paths: readonly string[],
): Promise<number> {
  return tx.run('delete from daybook.parts where tenant_id = $1 and path = any($2)', [
    tenantId,
    paths,
  ]);
}

/** A row of the index as it stands. */
export interface PartRow {
  readonly path: string;
  readonly kind: 'rows' | 'fragment';
  readonly manifest: object;
}

/** Fragments did not always name their place themselves. */
export function partOf({ kind, manifest, path }: PartRow): StoredPart {
  return { kind, ref: { ...manifest, path } } as StoredPart;
}

function windowOf({ start, end }: DayWindow): [string, string] {
  return [new Date(start).toISOString(), new Date(end).toISOString()];
}

function pathsOf(parts: readonly StoredPart[]): string[] {
  return parts.map(({ ref }) => ref.path);
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

/** Totals by key, marked as used, to the day. */
export async function findTotals<T extends StoredTotals>(
  tx: Tx,
  keys: readonly string[],
): Promise<ReadonlyMap<string, T>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.query<{ key: string; totals: T; stale: boolean }>(
    `select key, totals, last_used_at < now() - interval '1 day' as stale
     from daybook.part_totals where key = any($1)`,
    [keys],
  );
  const stale = rows.flatMap((row) => (row.stale ? [row.key] : []));
  if (stale.length > 0) {
    await tx.run(
      `update daybook.part_totals t set last_used_at = now()
       from (select tenant_id, key from daybook.part_totals where key = any($1)
             for no key update skip locked) idle
       where t.tenant_id = idle.tenant_id and t.key = idle.key`,
      [stale],
    );
  }
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
  of: { readonly tenantId: string; readonly dataset: string; readonly day: DayWindow },
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
    `insert into daybook.part_totals
       (tenant_id, key, rows_key, family, dimensions, totals, dataset, window_start, window_end)
     select $1, e.key, e."rowsKey", e.family, e.dimensions, e.totals, $3, $4, $5
     from jsonb_to_recordset($2::jsonb) as e
       (key text, "rowsKey" text, family text, dimensions text[], totals jsonb)
     order by e.key
     on conflict (tenant_id, key) do nothing`,
    [of.tenantId, JSON.stringify(entries), of.dataset, ...windowOf(of.day)],
  );
}
