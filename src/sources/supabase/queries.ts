import { DaybookError } from '../../errors.ts';
import { firstWallFrom } from '../../time/first-wall.ts';
import type { ForeignPlace, Only } from '../foreign-source.ts';

/**
 * What PostgREST is asked, in its own form of filters. Names and values are always quoted, so that
 * none can be an operator, a path into JSON, or another parameter such as `limit`.
 */

type Window = { readonly start: number; readonly end: number };

/** Of the anchor: instants, or wall times of the map's zone. */
export type AnchorType = 'timestamptz' | 'timestamp';

/** Where the last row stood, as the server wrote it: exact to the microsecond. */
export interface PagePlace {
  readonly anchor: string;
  readonly key: string;
}

/** A name or a value between quotes. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * @param from table or view, perhaps with its schema before a dot; else it is of `public`
 * @throws DaybookError `E_SOURCE`
 */
export function relationOf(from: string): { readonly schema: string; readonly path: string } {
  const dot = from.indexOf('.');
  const schema = dot < 0 ? 'public' : from.slice(0, dot);
  const name = from.slice(dot + 1);
  // A path of dots would lead to another place of the same server.
  if (!/^[^\p{Cc}]+$/u.test(schema) || !/^[^\p{Cc}]+$/u.test(name) || /^\.+$/.test(name)) {
    const reason = `${JSON.stringify(from.slice(0, 100))} is no name of a table or view`;
    throw new DaybookError('E_SOURCE', { where: 'table', reason });
  }
  return { schema, path: encodeURIComponent(name) };
}

/** Each column as text, as `c0`, `c1` and so on: numbers of JSON are not exact. */
export function selectTexts(columns: readonly string[]): string {
  return columns.map((column, index) => `c${index}:${quoted(column)}::text`).join(',');
}

/** Conditions that all hold, as one filter. */
export function allOf(conditions: readonly string[]): string {
  return `and(${conditions.join(',')})`;
}

export function windowConditions(place: ForeignPlace, type: AnchorType, window: Window): string[] {
  const anchor = quoted(place.anchorColumn);
  const [start, end] = boundsOf(place, type, window);
  return [
    `${anchor}.gte.${quoted(start)}`,
    `${anchor}.lt.${quoted(end)}`,
    ...onlyConditions(place.only),
  ];
}

/** The tenant's rows, as far as the column's own equality tells; {@link isOnly} tells the rest. */
export function onlyConditions(only: Only | null): string[] {
  if (only === null) return [];
  const column = quoted(only.column);
  if ('equals' in only) return [`${column}.eq.${quoted(only.equals)}`];
  const literally = only.startsWith.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return [`${column}.match.${quoted(`^${literally}`)}`];
}

/** A column whose collation ignores case may think texts equal that are not. */
export function isOnly(only: Only, text: string | null): boolean {
  if (text === null) return false;
  return 'equals' in only ? text === only.equals : text.startsWith(only.startsWith);
}

/** Rows behind one, in the order of anchor and key. */
export function behind({ anchorColumn, keyColumn }: ForeignPlace, last: PagePlace): string {
  const [anchor, key] = [quoted(anchorColumn), quoted(keyColumn)];
  const at = quoted(last.anchor);
  return `or(${anchor}.gt.${at},and(${anchor}.eq.${at},${key}.gt.${quoted(last.key)}))`;
}

function boundsOf({ map }: ForeignPlace, type: AnchorType, { start, end }: Window) {
  const iso = (ms: number) => new Date(ms).toISOString();
  const { zone } = map;
  if (type === 'timestamptz' || zone === null) return [iso(start), iso(end)];
  const wall = (instant: number) => iso(firstWallFrom(zone, instant)).slice(0, -1);
  return [wall(start), wall(end)];
}
