import { RowComparison } from '../../reports/compare-rows.ts';
import { type DatasetName, datasetOf } from '../../reports/dataset.ts';
import type { RowsPartRef } from '../../reports/day-task.ts';
import { compileFilter } from '../../reports/filter.ts';
import type { PartStore } from '../../reports/ports.ts';
import type { Filter } from '../../reports/request.ts';
import type { Database } from '../../store/database.ts';
import { findParts, type PartUse } from '../../store/parts.ts';
import type { DayKeys } from '../../store/report-files.ts';
import type { MadeDay } from '../make-days.ts';

/** The rows of days as they were, from parts that are kept for that, beside those of now. */

/** More rows than this in the days that changed are not compared one by one. */
const MOST_COMPARED = 1_000_000;

export interface DaysCompared {
  readonly use: PartUse;
  readonly dataset: DatasetName;
  readonly where: readonly Filter[];
  /** As they are made now. */
  readonly days: readonly MadeDay[];
  /** The days that changed, with their keys of now. */
  readonly changed: DayKeys;
  /** Keys of then, by date. */
  readonly known: ReadonlyMap<string, string>;
  readonly mostListed: number;
}

interface ComparedDay {
  readonly made: MadeDay;
  /** Null: the day had, or has, no row. */
  readonly old: RowsPartRef | null;
  readonly now: RowsPartRef | null;
}

/** Null where a part of then is gone, or there are too many rows. */
export async function compareDays(
  of: DaysCompared,
  { database, parts }: { readonly database: Database; readonly parts: PartStore },
  signal: AbortSignal,
): Promise<RowComparison | null> {
  const dataset = datasetOf(of.dataset);
  const pairs = await pairsOf(of, database);
  if (pairs === null) return null;
  const rows = pairs.reduce((sum, { old, now }) => sum + (old?.rows ?? 0) + (now?.rows ?? 0), 0);
  if (rows > MOST_COMPARED) return null;
  const comparison = new RowComparison(dataset, of.mostListed);
  for (const [side, add] of [
    ['old', 'addOld'],
    ['now', 'addNew'],
    ['old', 'addOldAgain'],
  ] as const) {
    for (const pair of pairs) {
      const ref = pair[side];
      if (ref === null) continue;
      const select = compileFilter(dataset, of.where, pair.made.day.zone);
      for await (const chunk of parts.readRows(ref, dataset)) {
        signal.throwIfAborted();
        comparison[add](chunk, select(chunk));
      }
    }
  }
  return comparison;
}

async function pairsOf(of: DaysCompared, database: Database): Promise<ComparedDay[] | null> {
  const { use, days, changed, known } = of;
  const keys = changed.flatMap(([date, key]) => [known.get(date) ?? '', key]);
  const found = await database.asTenant(use.tenantId, (tx) =>
    findParts(
      tx,
      use,
      keys.filter((key) => key !== ''),
    ),
  );
  const partOf = (key: string): RowsPartRef | null | undefined => {
    if (key === '') return null;
    const part = found.get(key);
    return part?.kind === 'rows' ? part.ref : undefined;
  };
  const pairs: ComparedDay[] = [];
  for (const [date, key] of changed) {
    const made = days.find(({ day }) => day.date === date);
    const old = partOf(known.get(date) ?? '');
    const now = made?.rowsPart ?? partOf(key);
    if (!made || old === undefined || now === undefined) return null;
    pairs.push({ made, old, now });
  }
  return pairs;
}
