import type { WorkClass } from '../reports/day-task.ts';
import type { ReportRequest } from '../reports/request.ts';
import type { Tx } from './database.ts';
import { SELECT_TENANT, type Tenant } from './tenants.ts';

/**
 * Runs are executed under leases: a claim takes a run for a while and gives it a new token; every
 * later write names the token, so a holder that lost its lease cannot commit. All times are the
 * database's. System transactions.
 */

export interface ClaimedRun {
  readonly id: string;
  readonly tenantId: string;
  /** As it was when the run was claimed. */
  readonly tenant: Tenant;
  readonly workClass: WorkClass;
  readonly request: ReportRequest;
  readonly leaseToken: string;
  /** This one included. */
  readonly attempts: number;
  /** Earlier attempts that were given back, for a reason that was not the run's own. */
  readonly setbacks: number;
  /** How long ago the first of them failed, by the database's clock; null: none did. */
  readonly setbackMs: number | null;
  /** Whose due time it serves; null: none's. */
  readonly occurrenceId: string | null;
  /** Days that its file has to say are not complete. */
  readonly incompleteDays: readonly string[];
  /** The sealed file that it amends. */
  readonly amends: string | null;
}

/**
 * A scheduled run that waited this long counts as an interactive one. Longer than for days: a run
 * takes its place for a while, and interactive ones are to pass those that are due at night.
 */
const AGEING_SECONDS = 120;

/**
 * Claims up to `limit` runs that are queued and not to wait, or whose lease ran out: urgent ones
 * first, with ageing, then those of the tenants with the fewest of their class under way, then old
 * ones. Runs of class `precache` are claimed up to a limit of their own, so that they neither take
 * the place of a run that somebody waits for nor wait until there are no others.
 */
export async function claimRuns(
  tx: Tx,
  options: {
    readonly holder: string;
    readonly limit: number;
    /** Of runs of class `precache`. Default 0. */
    readonly precacheLimit?: number | undefined;
    readonly leaseSeconds: number;
    /** Runs of one tenant and class under way, these included. Default: as many as there are. */
    readonly mostOfTenant?: number | undefined;
    /** Only interactive ones, of which there are few: the others are looked at now and then. */
    readonly onlyInteractive?: boolean;
    /** This run and no other. */
    readonly only?: string | undefined;
  },
): Promise<ClaimedRun[]> {
  // In the text, so that a plan that was made before can look at few rows for few.
  const which = options.onlyInteractive ? `and r.work_class = 'interactive'` : '';
  return tx.query(
    `with under_way as materialized (
       select tenant_id, work_class, count(*) as runs from daybook.runs
       where state = 'running' and lease_until >= now() group by tenant_id, work_class),
     candidates as materialized (
       select r.id, r.created_at, r.work_class,
         greatest(1, array_position(array['interactive', 'scheduled', 'precache'], r.work_class)
           - floor(extract(epoch from now() - r.created_at) / $7)) as class,
         coalesce(u.runs, 0) + row_number() over (partition by r.tenant_id, r.work_class
           order by r.created_at, r.id) as turn
       from daybook.runs r left join under_way u using (tenant_id, work_class)
       where ${CLAIMABLE} and ($4::uuid is null or r.id = $4) ${which}),
     chosen as materialized (
       (select id from candidates where work_class <> 'precache' and turn <= $5
        order by class, turn, created_at, id limit $2)
       union all
       (select id from candidates where work_class = 'precache' and turn <= $5
        order by turn, created_at, id limit $6)),
     due as materialized (
       -- Looked at again under the lock: another may have claimed it in between.
       select r.id from daybook.runs r
       where r.id in (select id from chosen) and ${CLAIMABLE}
       for update skip locked)
     update daybook.runs r
     set state = 'running', lease_owner = $1, lease_token = r.lease_token + 1,
         lease_until = now() + make_interval(secs => $3), attempts = r.attempts + 1,
         started_at = coalesce(r.started_at, now()), not_before = null,
         error_code = null, error_message = null
     from due where r.id = due.id
     returning r.id, r.tenant_id as "tenantId", r.work_class as "workClass", r.request,
       (select to_jsonb(own) from (${SELECT_TENANT} where t.id = r.tenant_id) own) as tenant,
       r.lease_token::text as "leaseToken", r.attempts, r.setbacks,
       floor(extract(epoch from now() - r.setback_at) * 1000)::float8 as "setbackMs",
       r.occurrence_id as "occurrenceId", r.incomplete_days as "incompleteDays", r.amends`,
    [
      options.holder,
      options.limit,
      options.leaseSeconds,
      options.only ?? null,
      options.mostOfTenant ?? 2 ** 31 - 1,
      options.precacheLimit ?? 0,
      AGEING_SECONDS,
    ],
  );
}

const CLAIMABLE = `(r.state = 'queued' and (r.not_before is null or r.not_before <= now())
  or r.state = 'running' and r.lease_until < now())`;

/**
 * Ends the leases of all holders whose names start so, but for one's own: they are known to be
 * dead. Were one not, its token would stop it. Where somebody `killed` them, no run is to blame: its
 * attempt counts as a setback. The number of runs that can be claimed now.
 */
export function endLeasesOf(
  tx: Tx,
  holders: { readonly prefix: string; readonly butFor: string; readonly killed?: boolean },
): Promise<number> {
  return tx.run(
    `update daybook.runs set lease_until = now() - interval '1 microsecond',
       setbacks = setbacks + $3::int
     where state = 'running' and starts_with(lease_owner, $1) and lease_owner <> $2
       and lease_until >= now()`,
    [holders.prefix, holders.butFor, holders.killed ? 1 : 0],
  );
}

export interface RenewedLease {
  readonly id: string;
  readonly leaseToken: string;
  readonly cancelRequested: boolean;
}

/** Prolongs the leases that are still ours; a run that is missing in the answer is lost to us. */
export async function renewLeases(
  tx: Tx,
  runs: readonly { readonly id: string; readonly leaseToken: string }[],
  leaseSeconds: number,
): Promise<RenewedLease[]> {
  return tx.query(
    `update daybook.runs r set lease_until = now() + make_interval(secs => $3)
     from unnest($1::uuid[], $2::bigint[]) as held (id, token)
     where r.id = held.id and r.lease_token = held.token and r.state = 'running'
     returning r.id, r.lease_token::text as "leaseToken", r.cancel_requested as "cancelRequested"`,
    [runs.map((run) => run.id), runs.map((run) => run.leaseToken), leaseSeconds],
  );
}

export interface RunProgress {
  readonly daysTotal: number;
  readonly daysDone: number;
  readonly daysCached: number;
  readonly rowsRead: number;
}

/** False: the lease is lost. */
export async function writeProgress(
  tx: Tx,
  run: { readonly id: string; readonly leaseToken: string },
  progress: RunProgress,
): Promise<boolean> {
  const changed = await tx.run(
    `update daybook.runs set days_total = $3, days_done = $4, days_cached = $5, rows_read = $6
     where id = $1 and lease_token = $2 and state = 'running'`,
    [
      run.id,
      run.leaseToken,
      progress.daysTotal,
      progress.daysDone,
      progress.daysCached,
      progress.rowsRead,
    ],
  );
  return changed === 1;
}
