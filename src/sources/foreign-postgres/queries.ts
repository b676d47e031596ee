import { firstWallFrom } from '../../time/first-wall.ts';
import type { ForeignPlace } from '../foreign-source.ts';
import { instantLiteral } from '../postgres/extract-query.ts';
import { type AnchorColumn, type ReadingPlan, TEXT_TYPES } from './plan-reading.ts';
import { type ForeignTable, requireForeignColumn } from './table.ts';

/**
 * The queries of a place, as text. What a binding gives gets there as quoted names alone; the value
 * that marks the tenant comes by a setting of the transaction, since COPY takes no parameters.
 */

type Window = { readonly start: number; readonly end: number };

/** Sets the value for {@link copyQuery}. */
export const SET_ONLY = `select set_config('daybook.only', $1, true)`;
const COPIED_ONLY = `current_setting('daybook.only')`;

export function copyQuery(
  place: ForeignPlace,
  table: ForeignTable,
  plan: ReadingPlan,
  window: Window,
): string {
  const { anchor, selected, order } = plan;
  const columns = selected.map(({ expression }) => expression).join(', ');
  const [start, end] = boundsOf(anchor, place, window);
  return (
    `copy (select ${columns} from ${table.quoted} ` +
    `where ${anchor.quoted} >= ${anchor.type} '${start}' ` +
    `and ${anchor.quoted} < ${anchor.type} '${end}'${onlyOf(place, table, COPIED_ONLY)} ` +
    `order by ${order.join(', ')}) to stdout (format binary)`
  );
}

/** A window's bounds in the anchor's own type: instants, or wall times of the map's zone. */
export function boundsOf(
  { type }: AnchorColumn,
  { map }: ForeignPlace,
  { start, end }: Window,
): [string, string] {
  if (type === 'timestamptz' || map.zone === null) return [isoOf(start), isoOf(end)];
  const { zone } = map;
  const wall = (instant: number) => isoOf(firstWallFrom(zone, instant)).slice(0, -1);
  return [wall(start), wall(end)];
}

/** Checked as {@link instantLiteral} does: nothing but a whole number becomes text. */
function isoOf(instant: number): string {
  return instantLiteral(instant).slice("timestamptz '".length, -1);
}

/**
 * One line for each window `(index, start, end)` of the arrays `$1` to `$3`; `$4` is the tenant's
 * value where there is one. The sum tells changes apart that leave count and newest as they were.
 */
export function versionsQuery(
  place: ForeignPlace,
  table: ForeignTable,
  { anchor }: ReadingPlan,
): string {
  const key = requireForeignColumn(table, place.keyColumn, 'key column').quoted;
  const { newest, sum, newestMs } = updatedOf(place, table);
  return (
    `select w.i::int as index, v.* from unnest($1::int[], $2::${anchor.type}[], ` +
    `$3::${anchor.type}[]) as w (i, s, e) cross join lateral (` +
    `select count(*)::text as rows, max(${key}::text collate "C") as key, ` +
    `${newest} as newest, ${sum} as sum, ${newestMs} as newest_ms from ${table.quoted} ` +
    `where ${anchor.quoted} >= w.s and ${anchor.quoted} < w.e${onlyOf(place, table, '$4::text')}) v ` +
    `order by w.i`
  );
}

function updatedOf({ updatedColumn }: ForeignPlace, table: ForeignTable) {
  if (updatedColumn === null) return { newest: 'null', sum: 'null', newestMs: 'null' };
  const { quoted, type } = requireForeignColumn(table, updatedColumn, 'updated column');
  const newest = `max(${quoted})::text`;
  switch (type) {
    case 'timestamptz':
    case 'timestamp': {
      const ms = `floor(extract(epoch from max(${quoted})) * 1000)::text`;
      const sum = `sum((extract(epoch from ${quoted}) * 1000000)::int8)::text`;
      return { newest, sum, newestMs: type === 'timestamptz' ? ms : 'null' };
    }
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
      return { newest, sum: `sum(${quoted})::text`, newestMs: 'null' };
    default:
      return { newest: `max(${quoted}::text collate "C")`, sum: 'null', newestMs: 'null' };
  }
}

/**
 * The tenant's rows. Equality in the column's own type can use its index; the texts are compared as
 * well, byte by byte, because a collation may think different texts equal.
 */
export function onlyOf({ only }: ForeignPlace, table: ForeignTable, value: string): string {
  if (only === null) return '';
  const { quoted, type, sqlType } = requireForeignColumn(table, only.column, 'only');
  const text = `${quoted}::text collate "C"`;
  if ('startsWith' in only) return ` and starts_with(${text}, ${value})`;
  const typed = `(${value})::${sqlType}`;
  const exact = TEXT_TYPES.has(type) ? value : `(${typed})::text`;
  return ` and ${quoted} = ${typed} and ${text} = ${exact}`;
}
