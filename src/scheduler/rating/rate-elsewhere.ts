import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { tenantsRatedElsewhere } from '../../store/ratings.ts';
import type { Tenant } from '../../store/tenants.ts';
import { dayAt, daysOf } from '../../time/calendar.ts';
import { addDays } from '../../time/day-number.ts';
import { eachTenant, type TenantFailure } from './each-tenant.ts';
import type { createPriceBooks, PriceBook } from './price-book.ts';
import { rateSpan } from './rate-span.ts';

/**
 * The pass that charges new calls which stand in others' databases. These tell nobody when calls come,
 * so the days that they come to are asked for their versions: today, and the two days before. Older
 * ones are rated when somebody rates their period again.
 */

const LEASE = 'rating elsewhere';
const HOUR_MS = 3_600_000;
const DAYS_BEFORE = 2;
/** One tenant's days, whose database may be slow or away: 2 min. */
const PATIENCE_MS = 120_000;
const REQUESTED_BY = 'operator:rating';

export interface RateElsewhereDeps {
  readonly database: Database;
  readonly source: RowSource;
  readonly holder: string;
  readonly openBook: ReturnType<typeof createPriceBooks>;
  /**
   * What days were like when they were rated, by tenant and date. It is kept by who calls; when it is
   * lost, days are rated once more, which changes nothing.
   */
  readonly rated: Map<string, string>;
}

export interface RatedElsewhere {
  /** Days that were read, since they were not as before. */
  readonly days: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly failures: readonly TenantFailure[];
}

/**
 * One pass as of `now`, UTC epoch ms; a failure of one tenant leaves the others. Null: another process is at it.
 * @throws what `signal` was aborted with
 */
export async function rateElsewhere(
  now: number,
  deps: RateElsewhereDeps,
  signal: AbortSignal,
): Promise<RatedElsewhere | null> {
  const { database, holder } = deps;
  const ids = await database.asSystem(tenantsRatedElsewhere, { readOnly: true });
  const total = { days: 0, added: 0, changed: 0, removed: 0 };
  const rateOne = async (tenant: Tenant, stop: AbortSignal) => {
    const book = await deps.openBook(tenant);
    if (book.since === null) return;
    const patience = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
    await rateDays({ tenant, book, since: book.since, now }, total, deps, patience);
  };
  const failures = await eachTenant(ids, { database, lease: LEASE, holder }, rateOne, signal);
  return failures && { ...total, failures };
}

async function rateDays(
  of: {
    readonly tenant: Tenant;
    readonly book: PriceBook;
    /** From when on there are rates, UTC epoch ms. */
    readonly since: number;
    readonly now: number;
  },
  total: { days: number; added: number; changed: number; removed: number },
  { database, source, rated }: RateElsewhereDeps,
  signal: AbortSignal,
): Promise<void> {
  const { tenant, book, now } = of;
  const since = Math.floor(of.since / HOUR_MS) * HOUR_MS;
  const today = dayAt(tenant.calendar, now).date;
  const period = { from: addDays(today, -DAYS_BEFORE), to: today };
  const days = daysOf(tenant.calendar, period).filter(
    ({ start, end }) => start < end && end > since,
  );
  const asked = { tenantId: tenant.id, dataset: 'calls', windows: days, signal } as const;
  const versions = await source.versions(asked);
  for (const [index, day] of days.entries()) {
    signal.throwIfAborted();
    const key = `${tenant.id}/${day.date}`;
    // Rates that came since charge what could not be charged before.
    const version = `${book.version}/${versions[index].fingerprint}`;
    if (rated.get(key) === version) continue;
    const span = { start: Math.max(day.start, since), end: day.end, hours: [] };
    const done = await rateSpan(
      { tenant, book, mode: 'new', ...span, requestedBy: REQUESTED_BY, dryRun: false, signal },
      { database, source },
    );
    rated.set(key, version);
    total.days += 1;
    for (const count of ['added', 'changed', 'removed'] as const) total[count] += done[count];
  }
  for (const key of rated.keys()) {
    const [tenantId, date] = key.split('/');
    if (tenantId === tenant.id && (date < period.from || date > period.to)) rated.delete(key);
  }
}
