import { DaybookError } from '../errors.ts';
import type { Calendar } from '../time/calendar.ts';
import type { Tx } from './database.ts';
import { type SealedCredentials, SOURCE_COLUMNS, type SourceRow } from './sources.ts';

/** Which rows of a tenant stand in which source. */

export type BoundDataset = 'calls' | 'order_lines';

/** Rows whose column is exactly this text, or begins with it. */
export type BoundOnly =
  | { readonly column: string; readonly equals: string }
  | { readonly column: string; readonly startsWith: string };

export interface NewBinding {
  readonly tenantId: string;
  readonly source: Pick<SourceRow, 'id' | 'tenantId'>;
  readonly dataset: BoundDataset;
  readonly from: string;
  /** As it was given: the JSON of a map. */
  readonly map: object;
  readonly anchorColumn: string;
  readonly keyColumn: string;
  readonly only: BoundOnly | null;
  readonly updatedColumn: string | null;
  /** Local dates of the tenant, both inclusive; null: without end. */
  readonly fromDate: string | null;
  readonly toDate: string | null;
  readonly createdBy: string;
}

export interface BindingRow extends Omit<NewBinding, 'source'> {
  readonly id: string;
  readonly sourceId: string;
  readonly sourceName: string;
}

/** A binding with all that reading by it takes. */
export interface BoundSource {
  readonly binding: BindingRow;
  readonly source: SourceRow;
  readonly credentials: SealedCredentials;
  /** Of the tenant: the dates are its. */
  readonly calendar: Calendar;
}

type FlatBinding = Omit<BindingRow, 'only'> & {
  readonly onlyColumn: string | null;
  readonly onlyEquals: string | null;
  readonly onlyPrefix: string | null;
};

const COLUMNS = `b.id, b.tenant_id as "tenantId", b.source_id as "sourceId", b.dataset,
  b.reads_from as "from", b.map, b.anchor_column as "anchorColumn", b.key_column as "keyColumn",
  b.only_column as "onlyColumn", b.only_equals as "onlyEquals", b.only_prefix as "onlyPrefix",
  b.updated_column as "updatedColumn", to_char(b.from_date, 'YYYY-MM-DD') as "fromDate",
  to_char(b.to_date, 'YYYY-MM-DD') as "toDate", b.created_by as "createdBy"`;

/**
 * Tenant transaction. Two that are saved at once are saved one after the other.
 * @throws DaybookError `E_CONFLICT` where another answers for some of the same dates
 */
export async function insertBinding(tx: Tx, binding: NewBinding): Promise<string> {
  const { tenantId, dataset, fromDate, toDate, only, source } = binding;
  await tx.query('select from daybook.tenants where id = $1 for no key update', [tenantId]);
  const [other] = await tx.query<{ name: string }>(
    `select b.reads_from as name from daybook.source_bindings b
     where b.tenant_id = $1 and b.dataset = $2
       and daterange(b.from_date, b.to_date, '[]') && daterange($3::date, $4::date, '[]') limit 1`,
    [tenantId, dataset, fromDate, toDate],
  );
  if (other) {
    const reason = `${dataset} of some of these dates are read from ${other.name} already`;
    throw new DaybookError('E_CONFLICT', { where: 'dates', reason });
  }
  const [{ id }] = await tx.query<{ id: string }>(
    `insert into daybook.source_bindings (tenant_id, source_id, source_scope, dataset, reads_from,
       map, anchor_column, key_column, only_column, only_equals, only_prefix, updated_column,
       from_date, to_date, created_by)
     values ($1, $2, coalesce($3::uuid::text, 'all'), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
       $14, $15)
     returning id`,
    [
      ...[tenantId, source.id, source.tenantId, dataset, binding.from, JSON.stringify(binding.map)],
      ...[binding.anchorColumn, binding.keyColumn, only?.column ?? null],
      ...[only && 'equals' in only ? only.equals : null],
      ...[only && 'startsWith' in only ? only.startsWith : null],
      ...[binding.updatedColumn, fromDate, toDate, binding.createdBy],
    ],
  );
  return id;
}

/** Of one tenant, of one of its sources or all; by dataset and date. System transaction: names of the operator's. */
export async function listBindings(
  tx: Tx,
  of: { readonly tenantId: string; readonly sourceId: string | null },
): Promise<BindingRow[]> {
  const rows = await tx.query<FlatBinding>(
    `select ${COLUMNS}, s.name as "sourceName" from daybook.source_bindings b
     join daybook.sources s on s.id = b.source_id
     where b.tenant_id = $1 and ($2::uuid is null or b.source_id = $2)
     order by b.dataset, b.from_date nulls first, b.id`,
    [of.tenantId, of.sourceId],
  );
  return rows.map(bindingOf);
}

/** Null: there is none of that id. Tenant transaction. */
export async function findBindingScope(
  tx: Tx,
  id: string,
): Promise<{ readonly isShared: boolean } | null> {
  const [found] = await tx.query<{ isShared: boolean }>(
    `select source_scope = 'all' as "isShared" from daybook.source_bindings where id = $1`,
    [id],
  );
  return found ?? null;
}

/** Tenant transaction. */
export async function removeBinding(tx: Tx, id: string): Promise<void> {
  await tx.run('delete from daybook.source_bindings where id = $1', [id]);
}

/** Those of one tenant and dataset, with credentials. System transaction. */
export async function findBoundSources(
  tx: Tx,
  of: { readonly tenantId: string; readonly dataset: string },
): Promise<BoundSource[]> {
  const rows = await tx.query<{
    binding: FlatBinding;
    source: SourceRow;
    credentials: Buffer;
    calendar: Calendar;
  }>(
    `select to_jsonb(f) as binding, to_jsonb(g) as source, s.credentials, (
       select json_agg(json_build_object(
         'from', to_char(z.valid_from, 'YYYY-MM-DD'), 'zone', z.zone) order by z.valid_from)
       from daybook.tenant_zones z where z.tenant_id = b.tenant_id) as calendar
     from daybook.source_bindings b
     join daybook.sources s on s.id = b.source_id
     cross join lateral (select ${COLUMNS}, s.name as "sourceName") f
     cross join lateral (select ${SOURCE_COLUMNS}) g
     where b.tenant_id = $1 and b.dataset = $2
     order by b.from_date nulls first, b.id`,
    [of.tenantId, of.dataset],
  );
  return rows.map(({ binding, source, credentials, calendar }) => ({
    ...{ binding: bindingOf(binding), source, calendar },
    credentials: { bytes: credentials, keyId: source.keyId },
  }));
}

function bindingOf(row: FlatBinding): BindingRow {
  const { onlyColumn, onlyEquals, onlyPrefix, ...binding } = row;
  if (onlyColumn === null) return { ...binding, only: null };
  if (onlyEquals !== null) return { ...binding, only: { column: onlyColumn, equals: onlyEquals } };
  return { ...binding, only: { column: onlyColumn, startsWith: onlyPrefix ?? '' } };
}
