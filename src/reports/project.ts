import type { DayWindow } from '../time/day-window.ts';
import { type Chunk, type ChunkColumn, chunkFromRows, columnOf } from './chunk.ts';
import type { CellType, OutColumn } from './column.ts';
import type { FieldType } from './dataset.ts';
import { dayRowsOf } from './day-rows.ts';
import type { ReportKind } from './define-report.ts';
import { groupCell } from './group-cells.ts';
import { compareKeys } from './group-keys.ts';
import type { DayTotals } from './totals.ts';

/**
 * The lines of a row report: all rows of the chunk, in columns that bear the keys of `columns`.
 * Columns that are fields of the dataset are the chunk's own, not copies.
 */
export function projectRows(
  kind: ReportKind,
  chunk: Chunk,
  columns: readonly OutColumn[],
  day: DayWindow,
): Chunk {
  const rows = dayRowsOf(chunk, day);
  const projected = new Map<string, ChunkColumn>();
  for (const { key } of columns) {
    const spec = specOf(kind, key);
    projected.set(key, spec.project === undefined ? columnOf(chunk, key) : spec.project(rows));
  }
  return { rows: chunk.rows, columns: projected };
}

/**
 * The lines of a grouped report: one per group of its {@link detailFold}, sorted by key, numbers by
 * size and texts by code points, without a value last.
 * @param at the day that the totals are of, or `date: null` for a whole period
 */
export function projectGroups(
  kind: ReportKind,
  totals: DayTotals,
  columns: readonly OutColumn[],
  at: { readonly date: string | null; readonly zone: string },
): Chunk {
  const specs = columns.map(({ key }) => specOf(kind, key));
  const groups = [...totals.groups].sort((a, b) => compareKeys(a.key, b.key));
  const by = groups.length === 0 ? [] : groupsOf(kind, at.date !== null, groups[0].key.length);
  return chunkFromRows(
    columns.map(({ key, type }) => ({ name: key, type: fieldTypeOf(type) })),
    groups.map((group) => specs.map((spec) => groupCell(kind, spec, group, { by, date: at.date }))),
  );
}

/** The dimensions of a line, by whether it is of one day and how many they are. */
function groupsOf(kind: ReportKind, ofDay: boolean, length: number): readonly string[] {
  const grain = kind.grains.find(
    (candidate) => (candidate !== 'period') === ofDay && kind.groupBy[candidate]?.length === length,
  );
  if (grain === undefined)
    throw new RangeError(`${kind.name} has no lines by ${length} dimensions`);
  return kind.groupBy[grain] ?? [];
}

function specOf(kind: ReportKind, key: string) {
  const spec = kind.columns.find((column) => column.key === key);
  if (spec === undefined) throw new RangeError(`${kind.name} has no column ${key}`);
  return spec;
}

/** In chunks a date is its text. */
function fieldTypeOf(type: CellType): FieldType {
  return type === 'date' ? 'text' : type;
}
