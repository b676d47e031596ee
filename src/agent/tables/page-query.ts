import type { TableConfig } from '../agent-config.ts';
import type { Dialect, QueryValue, TableColumn, TableQuery } from './table-source.ts';

/** The queries that the agent makes, as text: plain enough for any planner, and none that writes. */

type Place = Pick<TableConfig, 'from' | 'columns'>;

/** Where a page begins. */
export interface PageStart {
  /** Rows whose watermark is at least this. */
  readonly from: QueryValue;
  /** Behind the row with this watermark and these keys; null: with the first. */
  readonly behind: readonly QueryValue[] | null;
}

/** Everything, for a look at the columns or for a snapshot. */
export function allRows(place: Place, dialect: Dialect): TableQuery {
  return { text: selectFrom(place, dialect), values: [] };
}

/**
 * One page in the order of watermark and key: rows behind a row, found by comparing (keyset), so
 * that a page costs the same wherever it begins and rows that come in between move no other.
 */
export function page(
  place: Place,
  dialect: Dialect,
  order: readonly string[],
  start: PageStart | null,
  rows: number,
): TableQuery {
  const names = order.map((name) => dialect.quote(name));
  const sorted = names.join(', ');
  const select = selectFrom(place, dialect);
  if (start === null) {
    const text = `${select} where ${names[0]} is not null order by ${sorted}`;
    return { text: dialect.limited(text, rows), values: [] };
  }
  const values: QueryValue[] = [];
  const parameter = (value: QueryValue) => {
    values.push(value);
    return dialect.placeholder(value.column);
  };
  // The plain lower bound stands first: planners take it for the index.
  const conditions = [`${names[0]} >= ${parameter(start.from)}`];
  const { behind } = start;
  if (behind !== null) {
    const ways = behind.map((last, depth) => {
      const equal = behind.slice(0, depth).map((each, i) => `${names[i]} = ${parameter(each)}`);
      return [...equal, `${names[depth]} > ${parameter(last)}`].join(' and ');
    });
    conditions.push(`(${ways.map((way) => `(${way})`).join(' or ')})`);
  }
  const text = `${select} where ${conditions.join(' and ')} order by ${sorted}`;
  return { text: dialect.limited(text, rows), values };
}

function selectFrom({ from, columns }: Place, dialect: Dialect): string {
  const wanted = columns === null ? '*' : columns.map((name) => dialect.quote(name)).join(', ');
  const source =
    'table' in from
      ? from.table
          .split('.')
          .map((name) => dialect.quote(name))
          .join('.')
      : `(${from.query.replace(/[;\s]+$/, '')})`;
  return `select ${wanted} from ${source} q`;
}

/** The column of a name. */
export function columnNamed(columns: readonly TableColumn[], name: string): number {
  return columns.findIndex((column) => column.name === name);
}
