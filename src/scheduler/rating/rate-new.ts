import { type CallHour, hoursToRate, tenantsToRate } from '../../store/ratings.ts';
import type { Tenant } from '../../store/tenants.ts';
import { eachTenant, type TenantFailure } from './each-tenant.ts';
import type { createPriceBooks } from './price-book.ts';
import { rateSpan, type SpanDeps } from './rate-span.ts';

/**
 * The pass that charges new calls: hours whose calls came or changed since they were rated, and
 * hours with calls that could not be rated before rates changed. What a call was charged stays
 * while the call says what it said; rates alone change it only when a period is rated again.
 */

const LEASE = 'rating';
const HOUR_MS = 3_600_000;
/** In one transaction, so that a crash loses little. */
const MOST_CALLS = 200_000;
/** Of one tenant in one pass, so that others have their turn: more than a year. */
const MOST_HOURS = 10_000;
/** What lies between is read along, and found as it was charged. */
const WIDEST_GAP_MS = 24 * HOUR_MS;
const REQUESTED_BY = 'operator:rating';

export interface RateNewDeps extends SpanDeps {
  readonly holder: string;
  readonly openBook: ReturnType<typeof createPriceBooks>;
  /**
   * Only tenants of whom something changed so lately are looked at; null: all. A change counts from
   * when its statement began, which a long load may have done long before it was committed.
   */
  readonly lookBackMs: number | null;
}

export interface RatedNew {
  readonly tenants: number;
  readonly calls: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unrated: number;
  readonly held: number;
  readonly failures: readonly TenantFailure[];
}

/**
 * One pass as of `now`, UTC epoch ms; a failure of one tenant leaves the others. Null: another process is at it.
 * @throws what `signal` was aborted with
 */
export async function rateNew(
  now: number,
  deps: RateNewDeps,
  signal: AbortSignal,
): Promise<RatedNew | null> {
  const { database, holder } = deps;
  const since = deps.lookBackMs === null ? null : now - deps.lookBackMs;
  const ids = await database.asSystem((tx) => tenantsToRate(tx, since), { readOnly: true });
  const total = { tenants: 0, calls: 0, added: 0, changed: 0, removed: 0, unrated: 0, held: 0 };
  const rateOne = async (tenant: Tenant, stop: AbortSignal) => {
    const rated = await rateTenant(tenant, deps, stop);
    if (rated.calls > 0) total.tenants += 1;
    for (const key of ['calls', 'added', 'changed', 'removed', 'unrated', 'held'] as const) {
      total[key] += rated[key];
    }
  };
  const failures = await eachTenant(ids, { database, lease: LEASE, holder }, rateOne, signal);
  return failures && { ...total, failures };
}

async function rateTenant(tenant: Tenant, deps: RateNewDeps, signal: AbortSignal) {
  const total = { calls: 0, added: 0, changed: 0, removed: 0, unrated: 0, held: 0 };
  const book = await deps.openBook(tenant);
  const { since } = book;
  if (since === null) return total;
  const first = Math.floor(since / HOUR_MS) * HOUR_MS;
  const of = { tenantId: tenant.id, since: first, ratesVersion: book.version };
  const hours = await deps.database.asTenant(tenant.id, (tx) => hoursToRate(tx, of, MOST_HOURS), {
    readOnly: true,
  });
  for (const batch of batchesOf(hours)) {
    signal.throwIfAborted();
    const start = batch[0].hour;
    const end = batch[batch.length - 1].hour + HOUR_MS;
    const job = { tenant, book, mode: 'new', start, end, hours: batch, dryRun: false } as const;
    const rated = await rateSpan({ ...job, requestedBy: REQUESTED_BY, signal }, deps);
    for (const key of ['calls', 'added', 'changed', 'removed', 'unrated', 'held'] as const) {
      total[key] += rated[key];
    }
  }
  return total;
}

/**
 * Hours in spans that are read at once: of a bounded number of calls, and without a gap of more than a day.
 * So a day has mostly one entry in the ledger for all that a pass charges on it.
 */
export function batchesOf(hours: readonly CallHour[]): CallHour[][] {
  const batches: CallHour[][] = [];
  let calls = 0;
  for (const hour of hours) {
    const batch = batches[batches.length - 1];
    const isNear = batch && hour.hour - batch[batch.length - 1].hour <= WIDEST_GAP_MS;
    if (isNear && calls + hour.rows <= MOST_CALLS) {
      batch.push(hour);
      calls += hour.rows;
    } else {
      batches.push([hour]);
      calls = hour.rows;
    }
  }
  return batches;
}
