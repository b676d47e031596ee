import { randomUUID } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { type Dataset, type DatasetName, datasetOf } from '../reports/dataset.ts';
import { copyInto } from './copy-into.ts';
import type { Database, Tx } from './database.ts';
import { foldLegs, keepLegs } from './fold-legs.ts';
import { deleteUnnamed, measureMirror } from './mirror.ts';
import {
  type MirrorLeave,
  type MirrorLimits,
  type MirrorScope,
  refusalOf,
} from './mirror-guard.ts';

/**
 * A load is one transaction: COPY into a temporary table (row-level security forbids COPY into
 * tables of tenants), then a merge that writes only rows that are new or different, so that a
 * second load of the same file writes nothing. Triggers keep the versions of hours.
 *
 * Merges of one tenant and dataset take turns on a transaction-level lock: two loads never
 * deadlock, and each knows exactly what it changed.
 */

export interface StageColumn {
  readonly name: string;
  /** As the encoder writes it; a decimal is staged as its text. */
  readonly type: 'bigint' | 'text' | 'timestamptz' | 'jsonb';
}

export interface Load {
  readonly tenantId: string;
  readonly dataset: DatasetName;
  readonly fileName: string;
  /** The map as it was given; null: none. */
  readonly map: unknown;
  readonly requestedBy: string;
  /** UTC epoch ms up to which the dataset is complete with this load; null: not said. */
  readonly completeThrough: number | null;
  /** False: refused rows are counted but not kept, since they are kept already. */
  readonly keepRejects: boolean;
  /** The rows are all that there are within a scope: what stands there besides is removed. */
  readonly mirror?: MirrorOrder | null;
  /** What is staged are legs of calls, which are folded into them. */
  readonly legs?: boolean;
}

export interface MirrorOrder {
  readonly scope: MirrorScope;
  readonly limits: MirrorLimits;
  readonly leave: MirrorLeave;
  /** How many different rows the sender says there are; null: it does not say. */
  readonly stated: number | null;
}

/** What is known when the last row is staged. */
export interface Staged {
  /** Rows that were taken, of them with the same key more than once included. */
  readonly good: number;
  readonly rejected: number;
  readonly days: number;
  /** Open rejects that this load settles. */
  readonly settledRejects: readonly string[];
  /** Why the first row that was refused was. */
  readonly firstReject?: string | null;
}

/** What else belongs to the transaction of a load. */
export interface AroundLoad {
  /** Before anything is staged. */
  readonly first: (tx: Tx) => Promise<void>;
  readonly last: (tx: Tx, stored: StoredLoad, staged: Staged) => Promise<void>;
}

export interface StoredLoad {
  readonly loadId: string;
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Rows that a later row of the same file with the same key replaced. */
  readonly superseded: number;
  /** Rows that a mirror removed; calls that turned out to be legs of others. */
  readonly removed: number;
  /** Legs that were folded; null: rows were no legs, and all numbers are of rows. */
  readonly legs: number | null;
  /** UTC epoch ms; where the mark stands now, which may be later than the load's. Null: no mark. */
  readonly completeThrough: number | null;
}

const LONGEST_LOAD_MS = 6 * 3_600_000;

/**
 * @throws DaybookError `E_MIRROR_REFUSED` when the guard holds a mirror back; `E_UNAVAILABLE` when the
 * database is lost. Either way nothing is stored
 */
export function storeLoads(database: Database, around?: AroundLoad) {
  return (
    load: Load,
    columns: readonly StageColumn[],
    fill: (write: (bytes: Buffer) => Promise<void>) => Promise<Staged>,
    signal: AbortSignal,
  ): Promise<StoredLoad> =>
    database.asTenant(
      load.tenantId,
      async (tx) => {
        const dataset = datasetOf(load.dataset);
        await around?.first(tx);
        const table = load.legs ? 'daybook_legs' : 'daybook_stage';
        const keys = load.legs ? ['call_id', 'leg_id', 'joins'] : dataset.naturalKey;
        await tx.run(stageTableSql(columns, { naturalKey: keys }, table));
        const names = columns.map((column) => column.name);
        const staged = await copyInto(tx, `pg_temp.${table}`, names, fill, signal);
        return orAbandon(tx, signal, async () => {
          const stored = await merge(tx, load, dataset, staged);
          await around?.last(tx, stored, staged);
          return stored;
        });
      },
      { statementTimeoutMs: LONGEST_LOAD_MS },
    );
}

/**
 * A merge may wait long for others. Told to stop, we do not: the connection is closed under it, so
 * that it never commits.
 */
async function orAbandon<T>(tx: Tx, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => {
      tx.abandon(new Error('a merge was given up'));
      reject(signal.reason);
    };
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work(), stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function merge(tx: Tx, load: Load, dataset: Dataset, staged: Staged): Promise<StoredLoad> {
  await tx.run(
    `select pg_advisory_xact_lock(hashtextextended('daybook load ' || $1 || ' ' || $2, 0))`,
    [load.tenantId, load.dataset],
  );
  const alone = load.mirror != null;
  const folded = load.legs ? await foldLegs(tx, load.tenantId, alone) : null;
  const good = folded?.calls ?? staged.good;
  if (good > 0 || load.mirror) await tx.run('analyze pg_temp.daybook_stage');
  const toDelete = load.mirror ? await guard(tx, load, load.mirror, staged) : 0;
  const written = { loaded: 0, updated: 0 };
  let superseded = folded?.superseded ?? 0;
  if (good > 0) {
    if (load.dataset === 'carrier_calls') await tx.run(NAME_CARRIER_ROWS);
    const [counts] = await tx.query<{ loaded: string; updated: string }>(mergeSql(dataset), [
      load.tenantId,
    ]);
    written.loaded = Number(counts.loaded);
    written.updated = Number(counts.updated);
    // All rows new or different: then no two of them had the same key.
    if (folded === null && written.loaded + written.updated < good) {
      const key = dataset.naturalKey.join(', ');
      const [{ keys }] = await tx.query<{ keys: string }>(
        `select count(*) as keys from
           (select distinct ${key} from pg_temp.daybook_stage where reject is null) k`,
      );
      superseded = good - Number(keys);
    }
  }
  const joined = folded ? await keepLegs(tx, load.tenantId, alone) : 0;
  // What the merge has added since is named, and nobody else adds rows meanwhile.
  const removed =
    load.mirror && toDelete > 0
      ? await deleteUnnamed(tx, load.tenantId, dataset, load.mirror.scope)
      : joined;
  const loadId = randomUUID();
  const rows = folded === null ? good - superseded : good;
  const unchanged = rows - written.loaded - written.updated;
  await tx.run(
    `insert into daybook.loads (id, tenant_id, dataset, file_name, map, loaded, updated, unchanged,
       rejected, days, requested_by, removed)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      loadId,
      load.tenantId,
      load.dataset,
      load.fileName,
      load.map === null ? null : JSON.stringify(load.map),
      written.loaded,
      written.updated,
      unchanged,
      staged.rejected,
      staged.days,
      load.requestedBy,
      removed,
    ],
  );
  if (staged.rejected > 0 && load.keepRejects) {
    await tx.run(KEEP_REJECTS, [load.tenantId, load.dataset, loadId]);
  }
  if (staged.settledRejects.length > 0) {
    await tx.run(
      `update daybook.rejects set state = 'resolved', resolved_at = statement_timestamp()
       where tenant_id = $1 and id = any ($2::bigint[]) and state = 'open'`,
      [load.tenantId, staged.settledRejects],
    );
  }
  const speaks = staged.good > 0 || staged.rejected === 0;
  const completeThrough = await moveMark(tx, load, speaks ? load.completeThrough : null);
  const legs = folded && staged.good - superseded;
  return { loadId, ...written, unchanged, superseded, removed, legs, completeThrough };
}

/**
 * How many rows the snapshot does not name.
 * @throws DaybookError `E_MIRROR_REFUSED`, which rolls everything back
 */
async function guard(tx: Tx, load: Load, mirror: MirrorOrder, staged: Staged): Promise<number> {
  const found = await measureMirror(tx, load.tenantId, datasetOf(load.dataset), mirror.scope);
  const figures = {
    ...found,
    stated: mirror.stated,
    rejected: staged.rejected,
    firstReject: staged.firstReject ?? null,
  };
  const reason = refusalOf(figures, mirror.limits, mirror.leave);
  if (reason !== null) throw new DaybookError('E_MIRROR_REFUSED', { where: load.fileName, reason });
  return found.toDelete;
}

/** Moves the mark forward only; returns where it stands. */
export async function moveMark(
  tx: Tx,
  load: { readonly tenantId: string; readonly dataset: string },
  to: number | null,
): Promise<number | null> {
  if (to !== null) {
    await tx.run(
      `insert into daybook.dataset_marks as m (tenant_id, dataset, complete_through)
       values ($1, $2, to_timestamp($3::double precision / 1000))
       on conflict (tenant_id, dataset, source) do update
       set complete_through = excluded.complete_through, marked_at = statement_timestamp()
       where m.complete_through < excluded.complete_through`,
      [load.tenantId, load.dataset, to],
    );
  }
  const [mark] = await tx.query<{ complete_through: Date }>(
    `select complete_through from daybook.dataset_marks
     where tenant_id = $1 and dataset = $2 and source = 'daybook'`,
    [load.tenantId, load.dataset],
  );
  return mark ? mark.complete_through.getTime() : null;
}

/**
 * A carrier's row is named by its id, one without by what it says. Rows of one name are all kept, by
 * their turn in the file: whatever was billed twice counts twice, and the same file again is the same.
 */
const NAME_CARRIER_ROWS = `
  update pg_temp.daybook_stage s
  set row_key = n.name || case when n.turn = 1 then '' else '#' || n.turn end
  from (
    select row_number, name, row_number() over (partition by name order by row_number) as turn
    from (
      select row_number, coalesce(row_key, external_id, '~' || md5(jsonb_build_array(
          started_at, caller, callee, billed_seconds, amount, currency, trunk)::text)) as name
      from pg_temp.daybook_stage where reject is null) r) n
  where s.row_number = n.row_number and s.reject is null`;

const KEEP_REJECTS = `
  insert into daybook.rejects
    (tenant_id, dataset, load_id, row_number, field, code, reason, raw, suggestion, fingerprint)
  select $1, $2, $3, row_number, reject ->> 'field', reject ->> 'code', reject ->> 'reason',
         reject -> 'raw', reject ->> 'suggestion', decode(reject ->> 'fingerprint', 'hex')
  from pg_temp.daybook_stage where reject is not null
  order by row_number
  on conflict (tenant_id, dataset, fingerprint) do nothing`;

/** Keys collate as those of the dataset's table do. */
export function stageTableSql(
  columns: readonly StageColumn[],
  dataset: Pick<Dataset, 'naturalKey'>,
  table = 'daybook_stage',
): string {
  const isTextKey = ({ name, type }: StageColumn) =>
    type === 'text' && dataset.naturalKey.includes(name);
  const list = columns
    .map((column) => `${column.name} ${column.type}${isTextKey(column) ? ' collate "C"' : ''}`)
    .join(', ');
  return `create temporary table ${table} (${list}) on commit drop`;
}

/**
 * Writes what is new or different, in the order of keys; of several rows with one key the last.
 * `$1` is the tenant. A row that stands as it should is not even locked.
 */
export function mergeSql(dataset: Dataset): string {
  const fields = dataset.fields.map((field) => field.name);
  const key = dataset.naturalKey;
  const rest = [...fields.filter((name) => !key.includes(name)), 'extra'];
  const typed = dataset.fields.map((field) =>
    field.type === 'decimal' ? `s.${field.name}::numeric as ${field.name}` : `s.${field.name}`,
  );
  const list = (names: readonly string[], prefix: string) =>
    names.map((name) => `${prefix}${name}`).join(', ');
  return `
    with incoming as (
      select distinct on (${list(key, 's.')}) ${typed.join(', ')}, s.extra
      from pg_temp.daybook_stage s where s.reject is null
      order by ${list(key, 's.')}, s.row_number desc
    ), written as (
      insert into daybook.${dataset.name} as t (tenant_id, ${list(fields, '')}, extra)
      select $1::uuid, ${list(fields, 'i.')}, i.extra
      from incoming i
      where not exists (
        select from daybook.${dataset.name} c
        where c.tenant_id = $1::uuid and ${key.map((name) => `c.${name} = i.${name}`).join(' and ')}
          and (${list(rest, 'c.')}) is not distinct from (${list(rest, 'i.')}))
      on conflict (tenant_id, ${list(key, '')}) do update
      set ${rest.map((name) => `${name} = excluded.${name}`).join(', ')}
      where (${list(rest, 't.')}) is distinct from (${list(rest, 'excluded.')})
      returning (t.xmax = 0) as is_new
    )
    select count(*) filter (where is_new) as loaded, count(*) filter (where not is_new) as updated
    from written`;
}
