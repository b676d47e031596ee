import { DaybookError, type ErrorCode } from '../errors.ts';
import type { WorkClass } from '../reports/day-task.ts';
import type { ReportName, ReportRequest } from '../reports/request.ts';
import type { Tx } from './database.ts';
import type { RunProgress } from './run-leases.ts';

/** Runs: one production of a report over a period each. Claims and leases are `run-leases.ts`. */

export type RunState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** Where each state may go. A run goes back to `queued` when its holder gave it up. */
export const RUN_MOVES: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ['running', 'failed', 'cancelled'],
  running: ['queued', 'done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
};

export function isFinal(state: RunState): boolean {
  return RUN_MOVES[state].length === 0;
}

/** Times are UTC epoch ms. */
export interface RunRow {
  readonly id: string;
  readonly tenantId: string;
  readonly workClass: WorkClass;
  readonly report: ReportName;
  readonly request: ReportRequest;
  readonly state: RunState;
  readonly errorCode: ErrorCode | null;
  readonly errorMessage: string | null;
  readonly daysTotal: number;
  readonly daysDone: number;
  readonly daysCached: number;
  readonly rowsRead: number;
  readonly requestedBy: string;
  readonly cancelRequested: boolean;
  readonly attempts: number;
  /** Attempts that were given back for a reason that was not the run's own. */
  readonly setbacks: number;
  readonly leaseToken: string;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** The columns of a {@link RunRow}, for every statement that answers with runs. */
export const RUN_COLUMNS = `
  runs.id, runs.tenant_id as "tenantId", runs.work_class as "workClass", runs.report, runs.request,
  runs.state, runs.error_code as "errorCode", runs.error_message as "errorMessage",
  runs.days_total as "daysTotal", runs.days_done as "daysDone", runs.days_cached as "daysCached",
  runs.rows_read::float8 as "rowsRead", runs.requested_by as "requestedBy",
  runs.cancel_requested as "cancelRequested", runs.attempts, runs.setbacks,
  runs.lease_token::text as "leaseToken",
  floor(extract(epoch from runs.created_at) * 1000)::float8 as "createdAt",
  floor(extract(epoch from runs.started_at) * 1000)::float8 as "startedAt",
  floor(extract(epoch from runs.finished_at) * 1000)::float8 as "finishedAt"`;

/** Records a queued run. `daysTotal` is the number of existing days of its period. */
export async function insertRun(
  tx: Tx,
  run: {
    tenantId: string;
    request: ReportRequest;
    workClass: WorkClass;
    requestedBy: string;
    daysTotal: number;
  },
): Promise<RunRow> {
  const [row] = await tx.query<RunRow>(
    `insert into daybook.runs (tenant_id, report, request, work_class, requested_by, days_total)
     values ($1, $2, $3, $4, $5, $6) returning ${RUN_COLUMNS}`,
    [
      run.tenantId,
      run.request.report,
      JSON.stringify(run.request),
      run.workClass,
      run.requestedBy,
      run.daysTotal,
    ],
  );
  return row;
}

/** Runs of a class that nobody works on yet, and their days: of one tenant, or of all. */
export async function countQueued(
  tx: Tx,
  workClass: WorkClass,
): Promise<{ runs: number; days: number }> {
  const [counted] = await tx.query<{ runs: number; days: number }>(
    `select count(*)::int as runs, coalesce(sum(days_total - days_done), 0)::int as days
     from daybook.runs where state = 'queued' and work_class = $1`,
    [workClass],
  );
  return counted;
}

/** Null for an unknown id, which another tenant's is too. */
export async function findRun(tx: Tx, id: string): Promise<RunRow | null> {
  const [row] = await tx.query<RunRow>(
    `select ${RUN_COLUMNS} from daybook.runs where id = $1::uuid`,
    [id],
  );
  return row ?? null;
}

/** A place in the list of runs: creation in microseconds (as decimal text), then id. */
export interface RunCursor {
  readonly createdAtMicros: string;
  readonly id: string;
}

/** One page, newest first; `next` is null on the last page. */
export async function listRuns(
  tx: Tx,
  page: { limit: number; cursor: RunCursor | null; workClass?: WorkClass; state?: RunState },
): Promise<{ runs: RunRow[]; next: RunCursor | null }> {
  const rows = await tx.query<RunRow & { createdAtMicros: string }>(
    `select ${RUN_COLUMNS},
       (extract(epoch from runs.created_at) * 1000000)::bigint::text as "createdAtMicros"
     from daybook.runs
     where ($2::bigint is null
         or created_at <= timestamptz 'epoch' + $2 * interval '1 microsecond'
         and (created_at < timestamptz 'epoch' + $2 * interval '1 microsecond' or id > $3::uuid))
       and ($4::text is null or work_class = $4)
       and ($5::text is null or state = $5)
     order by created_at desc, id
     limit $1`,
    [
      page.limit + 1,
      page.cursor?.createdAtMicros ?? null,
      page.cursor?.id ?? null,
      page.workClass ?? null,
      page.state ?? null,
    ],
  );
  const runs = rows.slice(0, page.limit).map(({ createdAtMicros: _, ...run }) => run);
  const last = rows.length > page.limit ? rows[page.limit - 1] : null;
  return { runs, next: last ? { createdAtMicros: last.createdAtMicros, id: last.id } : null };
}

/** What a move may write besides the state. */
export interface RunMove {
  readonly id: string;
  readonly to: RunState;
  /** With it, only the holder of this lease moves the run: a zombie's move changes nothing. */
  readonly leaseToken?: string;
  /** Why it failed, or, with `queued`, what it waits for to pass. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** How far it came; null: as it was written last. */
  readonly progress?: RunProgress | null;
}

/** A run that went back to the queue for a failure pauses 1 s, then 2 s, then 4 s, at most this. */
const LONGEST_PAUSE_SECONDS = 30;

/**
 * The one way to change a run's state. Null when the run is not there, is in a state that does
 * not go `to` there, or is held under another lease; then nothing changed. Final states release
 * the lease; so does `queued`, which counts a setback, and pauses where there is an error.
 */
export async function moveRun(tx: Tx, move: RunMove): Promise<RunRow | null> {
  const from = (Object.keys(RUN_MOVES) as RunState[]).filter((state) =>
    RUN_MOVES[state].includes(move.to),
  );
  if (from.length === 0) {
    throw new DaybookError('E_INTERNAL', { reason: `no run may become ${move.to}` });
  }
  const [row] = await tx.query<RunRow>(
    `update daybook.runs set
       state = $2,
       error_code = $3,
       error_message = $4,
       started_at = case when $2 = 'running' then coalesce(started_at, now()) else started_at end,
       finished_at = case when $5 then now() end,
       setbacks = case when $2 = 'queued' then setbacks + 1 else setbacks end,
       setback_at = case when $2 = 'queued' and $3::text is not null then coalesce(setback_at, now())
         else setback_at end,
       not_before = case when $2 = 'queued' and $3::text is not null
         then now() + make_interval(secs => least($12, power(2, least(setbacks, 10)))) end,
       lease_owner = case when $2 = 'running' then lease_owner end,
       lease_until = case when $2 = 'running' then lease_until end,
       days_total = coalesce($8, days_total),
       days_done = coalesce($9, days_done),
       days_cached = coalesce($10, days_cached),
       rows_read = coalesce($11, rows_read)
     where id = $1::uuid and state = any($6) and ($7::bigint is null or lease_token = $7)
     returning ${RUN_COLUMNS}`,
    [
      move.id,
      move.to,
      move.error?.code ?? null,
      move.error?.message ?? null,
      isFinal(move.to),
      from,
      move.leaseToken ?? null,
      move.progress?.daysTotal ?? null,
      move.progress?.daysDone ?? null,
      move.progress?.daysCached ?? null,
      move.progress?.rowsRead ?? null,
      LONGEST_PAUSE_SECONDS,
    ],
  );
  return row ?? null;
}

/**
 * Cancels a queued run at once and asks the holder of a running one to stop; a finished run stays
 * as it is. Null for an unknown id.
 */
export async function requestCancel(tx: Tx, id: string): Promise<RunRow | null> {
  // The lock keeps the run from being claimed between the look and the move.
  const [found] = await tx.query<{ state: RunState }>(
    'select state from daybook.runs where id = $1::uuid for update',
    [id],
  );
  if (!found) return null;
  if (found.state === 'queued') return moveRun(tx, { id, to: 'cancelled' });
  if (found.state === 'running') {
    await tx.run('update daybook.runs set cancel_requested = true where id = $1::uuid', [id]);
  }
  return findRun(tx, id);
}

/** When the oldest run that is under way began, UTC epoch ms; null: none is. System transactions. */
export async function oldestRunningSince(tx: Tx): Promise<number | null> {
  const [row] = await tx.query<{ ms: number | null }>(
    `select floor(extract(epoch from min(started_at)) * 1000)::float8 as ms
     from daybook.runs where state = 'running'`,
  );
  return row?.ms ?? null;
}
