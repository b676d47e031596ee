import { DaybookError } from '../../errors.ts';
import type { Snapshot } from './snapshots.ts';

/** A table or view as the server's catalogue describes it. */
export interface ForeignTable {
  /** Schema and name, quoted, for queries. */
  readonly quoted: string;
  readonly columns: ReadonlyMap<string, ForeignColumn>;
}

export interface ForeignColumn {
  /** Quoted, for queries. */
  readonly quoted: string;
  /** Such as `timestamptz`, `int8`; of a domain the type below it. */
  readonly type: string;
  /** The same for a cast, as the server writes it. */
  readonly sqlType: string;
}

/** An identifier for the text of a query: the only thing of a binding that ever gets there. */
export function quoteName(name: string): string {
  if (name === '' || name.includes('\0')) {
    throw new DaybookError('E_SOURCE', { where: 'column', reason: 'a name is empty or has a NUL' });
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * @param from table or view, perhaps with its schema before a dot
 * @throws DaybookError `E_SOURCE` when there is none, or it cannot be read
 */
export async function inspectTable(snapshot: Snapshot, from: string): Promise<ForeignTable> {
  const dot = from.indexOf('.');
  const named =
    dot < 0
      ? quoteName(from)
      : `${quoteName(from.slice(0, dot))}.${quoteName(from.slice(dot + 1))}`;
  const rows = await snapshot.query<{
    schema: string;
    name: string;
    column: string;
    type: string;
    sqlType: string;
    readable: boolean;
  }>(
    `select n.nspname as schema, c.relname as name, a.attname as column,
       coalesce(b.typname, t.typname) as type,
       format_type(coalesce(b.oid, t.oid), -1) as "sqlType",
       has_column_privilege(c.oid, a.attnum, 'select') as readable
     from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     join pg_catalog.pg_type t on t.oid = a.atttypid
     left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
     where c.oid = to_regclass($1) and c.relkind in ('r', 'v', 'm', 'f', 'p')
     order by a.attnum`,
    [named],
  );
  if (rows.length === 0) {
    throw new DaybookError('E_SOURCE', {
      where: 'table',
      reason: `there is no table or view ${from} that this user sees`,
    });
  }
  const [{ schema, name }] = rows;
  return {
    quoted: `${quoteName(schema)}.${quoteName(name)}`,
    columns: new Map(
      rows
        .filter(({ readable }) => readable)
        .map(({ column, type, sqlType }) => [column, { quoted: quoteName(column), type, sqlType }]),
    ),
  };
}

/** @throws DaybookError `E_SOURCE` that lists what there is */
export function requireForeignColumn(
  { columns }: ForeignTable,
  name: string,
  where: string,
): ForeignColumn {
  const column = columns.get(name);
  if (column) return column;
  throw new DaybookError('E_SOURCE', {
    where,
    reason: `there is no column ${name} that this user may read; there are ${[...columns.keys()].join(', ')}`,
  });
}
