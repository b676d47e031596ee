import type { Dataset } from '../reports/dataset.ts';
import type { Tx } from './database.ts';
import type { MirrorFigures, MirrorScope } from './mirror-guard.ts';

/**
 * The part of a merge that removes: what stands in a snapshot's scope and is not staged. A row that
 * was refused, but says which one it is, is named by the snapshot, and so stays as it was.
 */

interface Condition {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Rows of `alias` that are in scope, with parameters from `$2` on; `$1` is the tenant. */
function inScope(dataset: Dataset, scope: MirrorScope, alias: string): Condition {
  const parts: string[] = [];
  const values: unknown[] = [];
  const parameter = (value: unknown) => `$${values.push(value) + 1}`;
  if (scope.window !== null) {
    const { start, end } = scope.window;
    parts.push(`${alias}.${dataset.anchor} >= ${parameter(new Date(start))}::timestamptz`);
    parts.push(`${alias}.${dataset.anchor} < ${parameter(new Date(end))}::timestamptz`);
  }
  if (scope.prefix !== null) {
    parts.push(`starts_with(${alias}.${dataset.naturalKey[0]}, ${parameter(scope.prefix)}::text)`);
  }
  return { text: parts.join(' and ') || 'true', values };
}

function unnamed(dataset: Dataset): string {
  const sameKey = dataset.naturalKey.map((name) => `s.${name} = t.${name}`).join(' and ');
  return `not exists (select from pg_temp.daybook_stage s where ${sameKey})`;
}

/** Compares what is staged with what stands; nothing is written yet. The merge's lock is held. */
export async function measureMirror(
  tx: Tx,
  tenantId: string,
  dataset: Dataset,
  scope: MirrorScope,
): Promise<Pick<MirrorFigures, 'inScope' | 'distinct' | 'outside' | 'toDelete'>> {
  const standing = inScope(dataset, scope, 't');
  const staged = inScope(dataset, scope, 's');
  const key = dataset.naturalKey.join(', ');
  const rows = `daybook.${dataset.name} t where t.tenant_id = $1 and ${standing.text}`;
  const [figures] = await tx.query<Record<'in_scope' | 'distinct' | 'outside' | 'gone', number>>(
    `select
       (select count(*) from ${rows})::float8 as in_scope,
       (select count(*) from ${rows} and ${unnamed(dataset)})::float8 as gone,
       (select count(*) from (
          select distinct ${key} from pg_temp.daybook_stage
          where ${dataset.naturalKey[0]} is not null) k)::float8 +
       (select count(distinct reject -> 'raw') from pg_temp.daybook_stage
        where ${dataset.naturalKey[0]} is null and reject is not null)::float8 as distinct,
       (select count(*) from pg_temp.daybook_stage s
        where s.reject is null and not (${staged.text}))::float8 as outside`,
    [tenantId, ...standing.values],
  );
  const { in_scope, gone, distinct, outside } = figures;
  return { inScope: in_scope, distinct, outside, toDelete: gone };
}

/** Deletes what is not staged; returns how many rows that were. */
export async function deleteUnnamed(
  tx: Tx,
  tenantId: string,
  dataset: Dataset,
  scope: MirrorScope,
): Promise<number> {
  const standing = inScope(dataset, scope, 't');
  return tx.run(
    `delete from daybook.${dataset.name} t
     where t.tenant_id = $1 and ${standing.text} and ${unnamed(dataset)}`,
    [tenantId, ...standing.values],
  );
}
