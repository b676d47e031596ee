import { BSONRegExp, type Document, type Filter } from 'mongodb';
import { DaybookError } from '../../errors.ts';
import type { ForeignPlace, Only } from '../foreign-source.ts';

/** What a MongoDB is asked. Values are values wherever they stand: no text becomes an operator. */

type Window = { readonly start: number; readonly end: number };

/** @throws DaybookError `E_MAP` for a path that names an operator or nothing */
export function checkPaths(place: ForeignPlace, paths: readonly string[]): void {
  const all = [...paths, place.only?.column, place.updatedColumn];
  for (const path of all) {
    if (path === undefined || path === null) continue;
    if (path.split('.').every((name) => name !== '' && !name.startsWith('$') && !/\0/.test(name))) {
      continue;
    }
    throw new DaybookError('E_MAP', {
      where: `source ${place.from}`,
      got: `the path ${JSON.stringify(path.slice(0, 100))}`,
      expected: 'names joined by dots, none of them empty or beginning with $',
    });
  }
}

export function windowFilter(place: ForeignPlace, { start, end }: Window): Filter<Document> {
  const { anchorColumn, only } = place;
  const within = { [anchorColumn]: { $gte: new Date(start), $lt: new Date(end) } };
  return { $and: [within, ...onlyFilters(only)] };
}

export function onlyFilters(only: Only | null): Document[] {
  if (only === null) return [];
  if ('equals' in only) return [{ [only.column]: { $eq: only.equals } }];
  const pattern = `^${only.startsWith.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`;
  return [{ [only.column]: { $regex: new BSONRegExp(pattern) } }];
}

/** The paths, and no other field: where one holds another, the outer one alone. */
export function projectionOf(paths: readonly string[]): Document {
  const outer = paths.filter((path) => !paths.some((other) => path.startsWith(`${other}.`)));
  return { _id: outer.includes('_id') ? 1 : 0, ...Object.fromEntries(outer.map((p) => [p, 1])) };
}
