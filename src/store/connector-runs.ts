import { DaybookError, type PlainError } from '../errors.ts';
import type { Tx } from './database.ts';

/** Fetches, each a row: queued, claimed under a lease, done or failed. */

export type RunCause = 'schedule' | 'person' | 'trigger';

export interface ConnectorRun {
  readonly id: string;
  readonly connectorId: string;
  readonly cause: RunCause;
  readonly requestedBy: string;
  readonly state: 'queued' | 'running' | 'done' | 'failed';
  readonly queuedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly attempts: number;
  readonly pages: number;
  readonly rows: number;
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly firstReject: string | null;
  readonly sinceBefore: string | null;
  readonly sinceAfter: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

const COLUMNS = `id, connector_id as "connectorId", cause, requested_by as "requestedBy", state,
  queued_at as "queuedAt", started_at as "startedAt", ended_at as "endedAt", attempts, pages,
  row_count::float8 as rows, loaded::float8 as loaded, updated::float8 as updated,
  unchanged::float8 as unchanged, rejected::float8 as rejected, first_reject as "firstReject",
  since_before as "sinceBefore", since_after as "sinceAfter", error_code as "errorCode",
  error_message as "errorMessage"`;

/** Queues a run, or finds the one that waits already: that one will see all that is there now. */
export async function queueConnectorRun(
  tx: Tx,
  of: {
    readonly tenantId: string;
    readonly connectorId: string;
    readonly cause: RunCause;
    readonly by: string;
  },
): Promise<string> {
  const [row] = await tx.query<{ id: string }>(
    `insert into daybook.connector_runs as waiting (tenant_id, connector_id, cause, requested_by)
     values ($1, $2, $3, $4)
     on conflict (tenant_id, connector_id) where state = 'queued'
       do update set not_before = least(waiting.not_before, excluded.not_before)
     returning id`,
    [of.tenantId, of.connectorId, of.cause, of.by],
  );
  return row.id;
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireConnectorRun(tx: Tx, id: string): Promise<ConnectorRun> {
  const [found] = await tx.query<ConnectorRun>(
    `select ${COLUMNS} from daybook.connector_runs where id = $1`,
    [id],
  );
  if (found) return found;
  throw new DaybookError('E_NOT_FOUND', { what: 'run', got: id });
}

/** The newest first. @param before the run that the page begins behind; null: the newest */
export async function listConnectorRuns(
  tx: Tx,
  connectorId: string,
  before: { readonly at: Date; readonly key: string } | null,
  limit: number,
): Promise<ConnectorRun[]> {
  return tx.query<ConnectorRun>(
    `select ${COLUMNS} from daybook.connector_runs
     where connector_id = $1 and ($2::timestamptz is null
       or (date_trunc('milliseconds', queued_at), id) < ($2::timestamptz, $3::uuid))
     order by date_trunc('milliseconds', queued_at) desc, id desc limit $4`,
    [connectorId, before?.at ?? null, before?.key ?? null, limit],
  );
}

/** Runs that wait, or whose process was lost. System transaction. */
export async function waitingConnectorRuns(
  tx: Tx,
  limit: number,
): Promise<{ tenantId: string; id: string }[]> {
  return tx.query(
    `select tenant_id as "tenantId", id from (
       select tenant_id, id, not_before, row_number() over (
         partition by tenant_id order by not_before, id) as turn
       from daybook.connector_runs r
       where (state = 'queued' and not_before <= now() and not exists (
           select from daybook.connector_runs w where w.tenant_id = r.tenant_id
             and w.connector_id = r.connector_id and w.state = 'running'))
         or (state = 'running' and lease_until < now())) waiting
     order by turn, not_before, id limit $1`,
    [limit],
  );
}

export interface ClaimedConnectorRun {
  readonly id: string;
  readonly connectorId: string;
  readonly name: string;
  /** Decimal. */
  readonly leaseToken: string;
  readonly attempts: number;
  readonly spec: unknown;
  readonly sealedSecret: Buffer | null;
  readonly since: string | null;
  readonly requestedBy: string;
}

/** Null: somebody else has it, or another run of the connector works. */
export async function claimConnectorRun(
  tx: Tx,
  id: string,
  leaseSeconds: number,
): Promise<ClaimedConnectorRun | null> {
  const [run] = await tx.query<ClaimedConnectorRun>(
    `with mine as materialized (
       select r.id from daybook.connector_runs r
       where r.id = $1 and (r.state = 'queued' and r.not_before <= now()
         or r.state = 'running' and r.lease_until < now())
         and not exists (select from daybook.connector_runs w where w.tenant_id = r.tenant_id
           and w.connector_id = r.connector_id and w.state = 'running' and w.id <> r.id)
       for update skip locked)
     update daybook.connector_runs r
     set state = 'running', started_at = coalesce(r.started_at, now()), attempts = r.attempts + 1,
       lease_token = r.lease_token + 1, lease_until = now() + make_interval(secs => $2),
       since_before = c.since, error_code = null, error_message = null
     from mine, daybook.connectors c
     where r.id = mine.id and c.tenant_id = r.tenant_id and c.id = r.connector_id
     returning r.id, r.connector_id as "connectorId", c.name, r.lease_token::text as "leaseToken",
       r.attempts, c.spec, c.sealed_secret as "sealedSecret", c.since,
       r.requested_by as "requestedBy"`,
    [id, leaseSeconds],
  );
  return run ?? null;
}

export interface Fetched {
  readonly pages: number;
  readonly rows: number;
  readonly loaded: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly firstReject: string | null;
}

/** Prolongs the lease and says how far it is. @throws DaybookError `E_LEASE_LOST` */
export async function noteFetched(
  tx: Tx,
  run: Pick<ClaimedConnectorRun, 'id' | 'leaseToken'>,
  fetched: Fetched,
  leaseSeconds: number,
): Promise<void> {
  const noted = await tx.run(
    `update daybook.connector_runs set lease_until = now() + make_interval(secs => $3), pages = $4,
       row_count = $5, loaded = $6, updated = $7, unchanged = $8, rejected = $9, first_reject = $10
     where id = $1 and lease_token = $2 and state = 'running'`,
    [run.id, run.leaseToken, leaseSeconds, ...valuesOf(fetched)],
  );
  if (noted !== 1) throw new DaybookError('E_LEASE_LOST', { got: run.id });
}

/** Runs stay on record for so long, until a later one is done. */
const KEPT_DAYS = 90;

/**
 * The run is done and the connector has come so far, both or neither.
 * @throws DaybookError `E_LEASE_LOST`
 */
export async function finishConnectorRun(
  tx: Tx,
  run: Pick<ClaimedConnectorRun, 'id' | 'leaseToken' | 'connectorId'>,
  fetched: Fetched,
  since: string | null,
): Promise<void> {
  const ended = await tx.run(
    `update daybook.connector_runs set state = 'done', ended_at = now(), lease_until = null,
       since_after = $3, pages = $4, row_count = $5, loaded = $6, updated = $7, unchanged = $8,
       rejected = $9, first_reject = $10
     where id = $1 and lease_token = $2 and state = 'running'`,
    [run.id, run.leaseToken, since, ...valuesOf(fetched)],
  );
  if (ended !== 1) throw new DaybookError('E_LEASE_LOST', { got: run.id });
  await tx.run('update daybook.connectors set since = $2 where id = $1', [run.connectorId, since]);
  await tx.run(
    `delete from daybook.connector_runs
     where connector_id = $1 and ended_at < now() - make_interval(days => $2)`,
    [run.connectorId, KEPT_DAYS],
  );
}

/**
 * The run failed, or waits to be tried again. A newer one that waits takes its place.
 * @param retryMs null: for good
 */
export async function failConnectorRun(
  tx: Tx,
  run: Pick<ClaimedConnectorRun, 'id' | 'leaseToken' | 'connectorId'>,
  error: PlainError,
  retryMs: number | null,
): Promise<void> {
  await tx.run(
    `with waiting as (select from daybook.connector_runs
       where connector_id = $6 and state = 'queued')
     update daybook.connector_runs
     set lease_until = null, error_code = $3, error_message = $4,
       state = case when $5::float8 is null or exists (select from waiting)
         then 'failed' else 'queued' end,
       ended_at = case when $5::float8 is null or exists (select from waiting) then now() end,
       not_before = now() + coalesce($5::float8, 0) * interval '1 millisecond'
     where id = $1 and lease_token = $2 and state = 'running'`,
    [run.id, run.leaseToken, error.code, error.message.slice(0, 2_000), retryMs, run.connectorId],
  );
}

function valuesOf(fetched: Fetched): (number | string | null)[] {
  const { pages, rows, loaded, updated, unchanged, rejected, firstReject } = fetched;
  return [pages, rows, loaded, updated, unchanged, rejected, firstReject];
}
