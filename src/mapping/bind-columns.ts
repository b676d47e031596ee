import { DaybookError } from '../errors.ts';
import type { RowShape } from '../reports/dataset.ts';
import { columnsUsed, type FieldSource, type LoadMap } from './load-map.ts';
import { shown } from './reject.ts';

/** A map meets a file: which of its columns the fields want. */

/** Without a map, columns bear the names of fields. */
export function namesakes(dataset: RowShape, columns: readonly string[]): Map<string, FieldSource> {
  const absent = dataset.fields.filter((f) => f.required && !columns.includes(f.name));
  if (absent.length > 0) {
    throw new DaybookError('E_INPUT', {
      where: 'columns',
      reason: `there is no ${absent.map((f) => f.name).join(', ')}; the file has ${columns.map(shown).join(', ')}; a map tells which column is which field`,
    });
  }
  return new Map(
    dataset.fields
      .filter((field) => columns.includes(field.name))
      .map((field) => [
        field.name,
        {
          where: field.name,
          text: { kind: 'column', column: field.name },
          trim: false,
          empty: [],
          when: null,
          match: null,
          format: null,
          formatText: null,
          after: null,
          skewMs: 0,
          fallback: null,
        },
      ]),
  );
}

/** Where a column stands. @throws DaybookError `E_MAP` when the file has none of that name */
export function requireColumn(columns: readonly string[], column: string, where: string): number {
  const index = columns.indexOf(column);
  if (index >= 0) return index;
  throw new DaybookError('E_MAP', {
    where,
    got: `the column ${column}`,
    expected: `one of the file's columns: ${columns.join(', ')}`,
  });
}

/** A field that is `after` another comes behind it; the map has no circles. */
export function inOrderOfNeed(sources: ReadonlyMap<string, FieldSource>): [string, FieldSource][] {
  const ordered = new Map<string, FieldSource>();
  const add = (name: string): void => {
    const source = sources.get(name);
    if (!source || ordered.has(name)) return;
    const each = source.text.kind === 'latest' ? source.text.of : [source];
    for (const { after } of each) if (after !== null) add(after);
    ordered.set(name, source);
  };
  for (const name of sources.keys()) add(name);
  return [...ordered];
}

/** The columns that go to `extra`. */
export function extraColumns(map: LoadMap, dataset: RowShape, columns: readonly string[]) {
  if (map.extra !== 'all') {
    return map.extra.map((name) => ({ name, index: requireColumn(columns, name, 'extra') }));
  }
  const used = columnsUsed(map, dataset);
  return columns.map((name, index) => ({ name, index })).filter(({ name }) => !used.has(name));
}
