import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { DayResult, FragmentRef, RowsPartRef, WorkClass } from '../reports/day-task.ts';
import type { ReportKind } from '../reports/define-report.ts';
import type { FragmentSpec, StoredPiece } from '../reports/fragment.ts';
import { fragmentKey, totalsKey } from '../reports/part-keys.ts';
import type { Dispatcher } from '../reports/ports.ts';
import type { ReportRequest } from '../reports/request.ts';
import { type DayTotals, type FoldSpec, groupedPieceRows } from '../reports/totals.ts';
import type { Database } from '../store/database.ts';
import type { PinHolder } from '../store/part-pins.ts';
import {
  findParts,
  findTotals,
  forgetParts,
  type PartUse,
  recordParts,
  recordTotals,
  type StoredPart,
  type StoredTotals,
} from '../store/parts.ts';
import type { DayWindow } from '../time/day-window.ts';
import type { PlannedDay } from './plan-days.ts';

/** A day that is there: its rows, its totals and, where asked for, its rendered form. */
export interface MadeDay {
  readonly day: DayWindow;
  readonly rowsPart: RowsPartRef | null;
  /** Newest change among the versions of its rows, also where all were deleted; UTC epoch ms. */
  readonly dataAsOf: number | null;
  /** In the order of the folds. */
  readonly totals: readonly DayTotals[];
  readonly pieceRows: readonly number[];
  readonly fragment: FragmentRef | null;
  /** Nothing of it had to be made. */
  readonly cached: boolean;
}

export interface DaysJob {
  readonly tenantId: string;
  /** The attempt of a run that the days are for; null: a summary over HTTP. */
  readonly attempt: PinHolder | null;
  readonly workClass: WorkClass;
  readonly kind: ReportKind;
  readonly request: Pick<ReportRequest, 'report' | 'grain' | 'where' | 'params'>;
  readonly folds: readonly FoldSpec[];
  /** What each planned day is to be rendered into; null: nothing. */
  readonly specOf: (index: number) => FragmentSpec | null;
  /** Rows parts that this run has made already, by index; they need not be looked for. */
  readonly rowsPartOf: (index: number) => RowsPartRef | null;
  /** Render anew what is there already: some of it turned out to be damaged. */
  readonly renderAgain: boolean;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  readonly onDay: (made: MadeDay, rowsRead: number, index: number) => void;
}

export interface DaysDeps {
  readonly database: Database;
  readonly dispatcher: Dispatcher;
  readonly meter?: DayMeter;
}

/** Hears what days cost. */
export interface DayMeter {
  dayDone(cached: boolean): void;
  /** A part was not as it was written, and was dropped. */
  damageFound(): void;
  /** Bytes of each part that came into the cache. */
  partsRecorded?(bytes: readonly number[]): void;
}

interface Found {
  rowsPart: RowsPartRef | null;
  totals: (StoredDayTotals | null)[];
  fragment: FragmentRef | null;
}

interface StoredDayTotals extends StoredTotals {
  readonly totals: DayTotals;
}

const NO_ROWS: DayTotals = { rows: 0, groups: [] };

/**
 * Makes the days of a period: each from its parts where they are there, else by a thread. All
 * missing days are handed to the balancer at once; it decides who is next. The first failure
 * gives up the rest.
 */
export async function makeDays(
  planned: readonly PlannedDay[],
  job: DaysJob,
  deps: DaysDeps,
): Promise<MadeDay[]> {
  const found = await findAll(planned, job, deps);
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  // Every day of the period waits on it.
  setMaxListeners(0, signal);
  try {
    return await Promise.all(
      planned.map(async (plan, index) => {
        const { made, rowsRead } =
          fromFound(plan, found[index], job, job.specOf(index)) ??
          (await fromThread(plan, index, found[index], job, deps, signal));
        deps.meter?.dayDone(made.cached);
        job.onDay(made, rowsRead, index);
        return made;
      }),
    );
  } catch (error) {
    stop.abort(error);
    throw error;
  }
}

/** Newest change in any of the days, UTC epoch ms; null: nothing was ever written. */
export function dataAsOfDays(days: readonly MadeDay[]): number | null {
  const changes = days.flatMap((made) => made.dataAsOf ?? []);
  return changes.length === 0 ? null : Math.max(...changes);
}

/** The pieces of the days that were rendered, in order. */
export function piecesOf(days: readonly MadeDay[]): StoredPiece[] {
  return days.flatMap((made) => made.fragment?.pieces ?? []);
}

async function findAll(
  planned: readonly PlannedDay[],
  job: DaysJob,
  deps: DaysDeps,
): Promise<Found[]> {
  const keys = planned.map((plan, index) => {
    const spec = job.specOf(index);
    return {
      totals: job.folds.map((fold) =>
        totalsKey({ rowsKey: plan.rowsKey, zone: plan.day.zone, fold }),
      ),
      fragment: spec && fragmentKeyOf(plan, job, spec),
    };
  });
  const wanted = planned.flatMap((plan, index) => {
    if (!plan.cacheable) return [];
    const { fragment } = keys[index];
    return fragment ? [plan.rowsKey, fragment] : [plan.rowsKey];
  });
  const wantedTotals = planned.flatMap((plan, index) => (plan.cacheable ? keys[index].totals : []));
  const { parts, totals } = await deps.database.asTenant(job.tenantId, async (tx) => ({
    parts: await findParts(tx, useOf(job), wanted),
    totals: await findTotals<StoredDayTotals>(tx, wantedTotals),
  }));
  return planned.map((plan, index) => {
    const rows = parts.get(plan.rowsKey);
    const fragment = job.renderAgain ? undefined : parts.get(keys[index].fragment ?? '');
    return {
      rowsPart: job.rowsPartOf(index) ?? (rows?.kind === 'rows' ? rows.ref : null),
      totals: keys[index].totals.map((key) => totals.get(key) ?? null),
      fragment: fragment?.kind === 'fragment' ? fragment.ref : null,
    };
  });
}

/** Null: something is missing. A window without a row in its versions needs no thread. */
function fromFound(
  plan: PlannedDay,
  found: Found,
  { kind, request }: DaysJob,
  spec: FragmentSpec | null,
): { made: MadeDay; rowsRead: number } | null {
  if (plan.expectedRows === 0) {
    const made: MadeDay = {
      day: plan.day,
      rowsPart: null,
      dataAsOf: plan.changedAt,
      totals: found.totals.map(() => NO_ROWS),
      pieceRows: [],
      fragment: spec && { key: plan.rowsKey, path: '', bytes: 0, pieces: [] },
      cached: true,
    };
    return { made, rowsRead: 0 };
  }
  const totals = found.totals.filter((entry) => entry !== null);
  if (!found.rowsPart || totals.length < found.totals.length || (spec && !found.fragment)) {
    return null;
  }
  const made: MadeDay = {
    day: plan.day,
    rowsPart: found.rowsPart,
    dataAsOf: found.rowsPart.dataAsOf,
    totals: totals.map((entry) => entry.totals),
    pieceRows:
      kind.shape === 'groups'
        ? groupedPieceRows(request.grain, totals[0].totals)
        : totals[0].pieceRows,
    fragment: spec ? found.fragment : null,
    cached: true,
  };
  return { made, rowsRead: found.rowsPart.rows };
}

async function fromThread(
  plan: PlannedDay,
  index: number,
  found: Found,
  job: DaysJob,
  deps: DaysDeps,
  signal: AbortSignal,
): Promise<{ made: MadeDay; rowsRead: number }> {
  const { request } = job;
  const result = await deps.dispatcher.dispatch(
    {
      taskId: randomUUID(),
      runId: job.attempt?.runId ?? null,
      tenantId: job.tenantId,
      workClass: job.workClass,
      expectedRows: plan.expectedRows,
      day: plan.day,
      dataset: job.kind.dataset,
      report: request.report,
      grain: request.grain,
      where: request.where,
      params: request.params,
      cacheable: plan.cacheable,
      rowsPart: found.rowsPart,
      scratchDir: job.scratchDir,
      folds: job.folds,
      fragment: job.specOf(index),
    },
    signal,
  );
  if (plan.cacheable) await record(plan, found, result, job, deps);
  const { rowsPart, totals, pieceRows, fragment } = result;
  const { dataAsOf } = rowsPart;
  const made = { day: plan.day, rowsPart, dataAsOf, totals, pieceRows, fragment, cached: false };
  return { made, rowsRead: rowsPart.rows };
}

async function record(
  plan: PlannedDay,
  found: Found,
  result: DayResult,
  job: DaysJob,
  deps: DaysDeps,
): Promise<void> {
  const { rowsPart, fragment, pieceRows } = result;
  const { tenantId, kind } = job;
  const parts: StoredPart[] = [{ kind: 'rows', ref: rowsPart }];
  if (fragment) parts.push({ kind: 'fragment', ref: fragment });
  // Read from the source although a part was there: that one was damaged.
  const damaged = result.extracted ? found.rowsPart : null;
  await deps.database.asTenant(tenantId, async (tx) => {
    if (damaged) await forgetParts(tx, tenantId, [damaged.path]);
    await recordParts(tx, useOf(job), kind.dataset, plan.day, parts);
    await recordTotals(
      tx,
      { tenantId, dataset: kind.dataset, day: plan.day },
      job.folds.map((fold, index) => ({
        key: totalsKey({ rowsKey: rowsPart.key, zone: plan.day.zone, fold }),
        rowsKey: rowsPart.key,
        totals: { totals: result.totals[index], pieceRows },
      })),
    );
  });
  if (damaged) deps.meter?.damageFound();
  deps.meter?.partsRecorded?.(parts.map(({ ref }) => ref.bytes));
}

function useOf({ tenantId, attempt }: DaysJob): PartUse {
  return { tenantId, holder: attempt };
}

function fragmentKeyOf(plan: PlannedDay, job: DaysJob, spec: FragmentSpec): string {
  const { report, grain, where, params } = job.request;
  const { zone, date } = plan.day;
  return fragmentKey({ rowsKey: plan.rowsKey, zone, date, report, grain, where, params, spec });
}
