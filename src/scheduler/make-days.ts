import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type {
  DayResult,
  FragmentRef,
  RowsFacts,
  RowsPartRef,
  WorkClass,
} from '../reports/day-task.ts';
import type { ReportKind } from '../reports/define-report.ts';
import type { FragmentSpec, StoredPiece } from '../reports/fragment.ts';
import { totalsFamily, totalsKey } from '../reports/part-keys.ts';
import type { Dispatcher } from '../reports/ports.ts';
import type { ReportRequest } from '../reports/request.ts';
import { type DayTotals, type FoldSpec, groupedPieceRows } from '../reports/totals.ts';
import type { Database, Tx } from '../store/database.ts';
import type { PinHolder } from '../store/part-pins.ts';
import { forgetParts, recordParts, recordTotals, type StoredPart } from '../store/parts.ts';
import type { DayWindow } from '../time/day-window.ts';
import { type FoundDay, findDays, isWhole, useOf } from './find-days.ts';
import type { PlannedDay } from './plan-days.ts';

/** A day that is there: its rows, its totals and, where asked for, its rendered form. */
export interface MadeDay {
  readonly day: DayWindow;
  /** Null: no row was ever written. */
  readonly rows: RowsFacts | null;
  /** Null where it was not needed: totals and fragment were there. */
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

/** A part whose row is lost is an orphan, and made again; a pin that is lost, at worst the same. */
const UNLASTING = { lasting: false, prepared: true } as const;

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
  const found = await deps.database.asTenant(
    job.tenantId,
    (tx) => findDays(tx, planned, job),
    UNLASTING,
  );
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

/** Null: something is missing. A window without a row in its versions needs no thread. */
function fromFound(
  plan: PlannedDay,
  found: FoundDay,
  { kind, request }: DaysJob,
  spec: FragmentSpec | null,
): { made: MadeDay; rowsRead: number } | null {
  if (plan.expectedRows === 0) {
    const made: MadeDay = {
      day: plan.day,
      rows: null,
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
  if (!isWhole(found, spec)) return null;
  const [{ rows }] = totals;
  const made: MadeDay = {
    day: plan.day,
    rows,
    rowsPart: found.rowsPart,
    dataAsOf: rows.dataAsOf,
    totals: totals.map((entry) => entry.totals),
    pieceRows:
      kind.shape === 'groups'
        ? groupedPieceRows(request.grain, totals[0].totals)
        : totals[0].pieceRows,
    fragment: spec ? found.fragment : null,
    cached: true,
  };
  return { made, rowsRead: rows.rows };
}

async function fromThread(
  plan: PlannedDay,
  index: number,
  found: FoundDay,
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
      known: found.totals.map((entry) => entry !== null),
      fragment: job.specOf(index),
    },
    signal,
  );
  if (plan.cacheable) await record(plan, found, result, job, deps);
  const { rowsPart, pieceRows, fragment } = result;
  const totals = result.totals.map((made, at) => made ?? knownTotals(found, at));
  const rows = factsOf(rowsPart);
  const { dataAsOf } = rows;
  const { day } = plan;
  const made = { day, rows, rowsPart, dataAsOf, totals, pieceRows, fragment, cached: false };
  return { made, rowsRead: rowsPart.rows };
}

async function record(
  plan: PlannedDay,
  found: FoundDay,
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
  const write = async (tx: Tx) => {
    if (damaged) await forgetParts(tx, tenantId, [damaged.path]);
    await recordParts(tx, useOf(job), kind.dataset, plan.day, parts);
    await recordTotals(
      tx,
      { tenantId, dataset: kind.dataset, day: plan.day },
      job.folds.flatMap((fold, index) => {
        const totals = result.totals[index];
        if (totals === null) return [];
        return {
          key: totalsKey({ rowsKey: rowsPart.key, zone: plan.day.zone, fold }),
          rowsKey: rowsPart.key,
          family: totalsFamily({ zone: plan.day.zone, fold }),
          dimensions: fold.by,
          totals: { totals, pieceRows, rows: factsOf(rowsPart) },
        };
      }),
    );
  };
  await deps.database.asTenant(tenantId, write, UNLASTING);
  if (damaged) deps.meter?.damageFound();
  deps.meter?.partsRecorded?.(parts.map(({ ref }) => ref.bytes));
}

/** A thread leaves out only what it was told is known. */
function knownTotals(found: FoundDay, at: number): DayTotals {
  const known = found.totals[at];
  if (!known) throw new RangeError(`fold ${at} of a day has no totals`);
  return known.totals;
}

function factsOf({ key, rows, sha256, dataAsOf }: RowsPartRef): RowsFacts {
  return { key, rows, sha256, dataAsOf };
}
