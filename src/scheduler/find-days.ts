import type { FragmentRef, RowsPartRef } from '../reports/day-task.ts';
import type { FragmentSpec } from '../reports/fragment.ts';
import { fragmentKey, totalsFamily, totalsKey } from '../reports/part-keys.ts';
import { reportKind } from '../reports/registry.ts';
import { addsUp, keptFold, rollUp } from '../reports/roll-up.ts';
import type { DayTotals, FoldSpec } from '../reports/totals.ts';
import type { Tx } from '../store/database.ts';
import {
  findFinerTotals,
  findParts,
  findTotals,
  type PartUse,
  type StoredTotals,
} from '../store/parts.ts';
import type { DaysJob } from './make-days.ts';
import type { PlannedDay } from './plan-days.ts';

/** What is there already of a day that is asked for. */
export interface FoundDay {
  /** Null also where it was not looked for, since nothing is missing. */
  readonly rowsPart: RowsPartRef | null;
  /** In the order of the folds; null where missing. */
  readonly totals: readonly (StoredDayTotals | null)[];
  readonly fragment: FragmentRef | null;
}

export interface StoredDayTotals extends StoredTotals {
  readonly totals: DayTotals;
}

/**
 * Looks for the days' totals and fragments, and for rows parts only where one of them is missing:
 * rows that nobody reads are not marked as used.
 */
export async function findDays(
  tx: Tx,
  planned: readonly PlannedDay[],
  job: DaysJob,
): Promise<FoundDay[]> {
  const totals = await totalsOf(tx, planned, job);
  const fragments = await fragmentsOf(tx, planned, job);
  const found = planned.map((_, index) => ({
    rowsPart: job.rowsPartOf(index),
    totals: totals[index],
    fragment: fragments[index],
  }));
  const lacking = planned.flatMap((plan, index) =>
    plan.cacheable && !isWhole(found[index], job.specOf(index)) ? [plan.rowsKey] : [],
  );
  const rows = await findParts(tx, useOf(job), lacking);
  return found.map((entry, index) => {
    const part = rows.get(planned[index].rowsKey);
    return { ...entry, rowsPart: entry.rowsPart ?? (part?.kind === 'rows' ? part.ref : null) };
  });
}

/** As whom a job looks for parts and records them. */
export function useOf({ tenantId, attempt }: DaysJob): PartUse {
  return { tenantId, holder: attempt };
}

/** Whether the day needs neither a thread nor its rows. */
export function isWhole(found: FoundDay, spec: FragmentSpec | null): boolean {
  return found.totals.every((entry) => entry !== null) && (!spec || found.fragment !== null);
}

async function totalsOf(
  tx: Tx,
  planned: readonly PlannedDay[],
  { folds }: DaysJob,
): Promise<(StoredDayTotals | null)[][]> {
  const keys = planned.map(({ rowsKey, day: { zone } }) =>
    folds.map((fold) => totalsKey({ rowsKey, zone, fold })),
  );
  const wanted = keys.filter((_, index) => planned[index].cacheable).flat();
  const exact = await findTotals<StoredDayTotals>(tx, wanted);
  const found = keys.map((ofDay) => ofDay.map((key) => exact.get(key) ?? null));
  for (const [place, fold] of folds.entries()) {
    const missing = planned.filter(
      (plan, index) => plan.cacheable && plan.expectedRows > 0 && !found[index][place],
    );
    const finer = await finerTotalsOf(tx, missing, fold);
    planned.forEach((plan, index) => {
      found[index][place] ??= finer.get(plan.rowsKey) ?? null;
    });
  }
  return found;
}

/** Totals by more dimensions than were asked for, rolled up. */
async function finerTotalsOf(
  tx: Tx,
  planned: readonly PlannedDay[],
  fold: FoldSpec,
): Promise<ReadonlyMap<string, StoredDayTotals>> {
  const finer = await findFinerTotals<StoredDayTotals>(tx, {
    of: planned.map(({ rowsKey, day: { zone } }) => ({
      rowsKey,
      family: totalsFamily({ zone, fold }),
    })),
    dimensions: keptFold(fold).by,
    more: addsUp(reportKind(fold.report)),
  });
  return new Map(
    planned.flatMap(({ rowsKey, day }) => {
      const entry = finer.get(rowsKey);
      if (!entry) return [];
      const totals = rollUp(fold, entry.dimensions, entry.totals.totals, day.date);
      return [[rowsKey, { ...entry.totals, totals }] as const];
    }),
  );
}

async function fragmentsOf(
  tx: Tx,
  planned: readonly PlannedDay[],
  job: DaysJob,
): Promise<(FragmentRef | null)[]> {
  const keys = planned.map((plan, index) => {
    const spec = job.renderAgain || !plan.cacheable ? null : job.specOf(index);
    return spec && fragmentKeyOf(plan, job, spec);
  });
  const parts = await findParts(
    tx,
    useOf(job),
    keys.flatMap((key) => key ?? []),
  );
  return keys.map((key) => {
    const part = key === null ? undefined : parts.get(key);
    return part?.kind === 'fragment' ? part.ref : null;
  });
}

function fragmentKeyOf(plan: PlannedDay, job: DaysJob, spec: FragmentSpec): string {
  const { report, grain, where, params } = job.request;
  const { zone, date } = plan.day;
  return fragmentKey({ rowsKey: plan.rowsKey, zone, date, report, grain, where, params, spec });
}
