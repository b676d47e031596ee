import type { DayWindow } from '../time/day-window.ts';
import { accumulatorOf } from './accumulators.ts';
import { CHUNK_ROWS, type Chunk, type Selection } from './chunk.ts';
import { type Condition, type DayRows, dayRowsOf } from './day-rows.ts';
import { dimensionOf, type ReportKind } from './define-report.ts';
import { compareKeys, GroupKeys } from './group-keys.ts';
import { demandSafe } from './merge-totals.ts';
import { reportKind } from './registry.ts';
import type { ReportRequest } from './request.ts';
import type { DayTotals, FoldSpec } from './totals.ts';

export { mergeTotals } from './merge-totals.ts';

export interface Fold {
  /** Chunks in canonical order; the selection is what the filter of the spec left. */
  add(chunk: Chunk, selection: Selection): void;
  /** What was added so far; groups sorted by key. */
  totals(): DayTotals;
}

/**
 * Folds the rows of one day into the groups of `spec`. It does not filter: `spec.where` is there
 * to name the totals, and {@link compileFilter} makes the selections.
 * @throws RangeError for a dimension or a column that is not there
 * @throws DaybookError `E_TOO_LARGE` from `totals()` when a sum of integers left ±2^53
 */
export function createFold(spec: FoldSpec, day: DayWindow): Fold {
  const kind = reportKind(spec.report);
  const keys = new GroupKeys(
    spec.by.map((key) => dimensionOf(kind, key)),
    day.date,
  );
  const accumulators = kind.measures.map(accumulatorOf);
  let rowsAdded = 0;
  let rowsGrouped = 0;
  let ids = new Int32Array(0);
  return {
    add(chunk, selection) {
      const rows = dayRowsOf(chunk, day, spec.params);
      const selected = selection ?? everyRow(chunk.rows);
      const passed = selection === null ? chunk.rows : selection.length;
      rowsAdded += passed;
      const counted = kind.counts === null ? selected : those(rows, kind.counts, selected, passed);
      const count = kind.counts === null ? passed : counted.length;
      if (count === 0) return;
      rowsGrouped += count;
      if (ids.length < count) ids = new Int32Array(count);
      keys.read(rows, counted, count, ids);
      const grouped = { rows, selected: counted, ids, count, groups: keys.size };
      for (const accumulator of accumulators) accumulator.add(grouped);
    },
    totals() {
      const groups = Array.from({ length: rowsGrouped === 0 ? 0 : keys.size }, (_, group) => ({
        key: keys.keyOf(group),
        values: accumulators.map((accumulator, index) =>
          demandSafe(kind, index, accumulator.valueOf(group)),
        ),
      }));
      return { rows: rowsAdded, groups: groups.sort((a, b) => compareKeys(a.key, b.key)) };
    },
  };
}

/** The groups of a grouped report at the request's grain; a row report has none. */
export function detailFold(kind: ReportKind, request: ReportRequest): FoldSpec {
  return foldBy(request, kind.groupBy[request.grain] ?? []);
}

/** One group for all; where there is money, one per currency. */
export function summaryFold(kind: ReportKind, request: ReportRequest): FoldSpec {
  return foldBy(request, kind.perCurrency ? ['currency'] : []);
}

export function foldBy(
  { report, where, params }: Pick<FoldSpec, 'report' | 'where' | 'params'>,
  by: readonly string[],
): FoldSpec {
  return { report, by, where, params };
}

let identity = new Uint32Array(0);

function everyRow(rows: number): Uint32Array {
  if (identity.length < rows) {
    identity = Uint32Array.from({ length: Math.max(rows, CHUNK_ROWS) }, (_, row) => row);
  }
  return identity;
}

function those(
  rows: DayRows,
  condition: Condition,
  selected: Uint32Array,
  count: number,
): Uint32Array {
  const met = rows.derive(condition);
  const left = new Uint32Array(count);
  let length = 0;
  for (let k = 0; k < count; k++) {
    if (met[selected[k]] === 1) left[length++] = selected[k];
  }
  return left.subarray(0, length);
}
