import { DaybookError } from '../../errors.ts';
import {
  addDecimal,
  type Decimal,
  formatDecimal,
  parseDecimal,
  ZERO,
} from '../../money/decimal.ts';
import { locksIn } from '../../store/period-locks.ts';
import { hoursIn } from '../../store/ratings.ts';
import type { Tenant } from '../../store/tenants.ts';
import { daysOf } from '../../time/calendar.ts';
import type { Period } from '../../time/period.ts';
import type { createPriceBooks } from './price-book.ts';
import { rateSpan, type SpanDeps } from './rate-span.ts';

const HOUR_MS = 3_600_000;
const MOST_CALLS = 200_000;

export interface RatedAgain {
  readonly calls: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unrated: number;
  /** Currency → what the sum of charges grew by; exact text. */
  readonly difference: Readonly<Record<string, string>>;
}

/**
 * Rates all calls of a period by the rates that are there now, and posts the difference; a second
 * time there is none. Days are written a few at a time: broken off, the period is done in part, and
 * done again it is done whole.
 * @throws DaybookError `E_LOCKED` when a day of the period is locked and this is no dry run;
 *   `E_CONFLICT` when the tenant has no rates
 */
export async function rateAgain(
  request: {
    readonly tenant: Tenant;
    readonly period: Period;
    readonly dryRun: boolean;
    readonly requestedBy: string;
  },
  deps: SpanDeps & { readonly openBook: ReturnType<typeof createPriceBooks> },
  signal: AbortSignal,
  onDays: (done: number, total: number) => void = () => {},
): Promise<RatedAgain> {
  const { tenant, period, dryRun, requestedBy } = request;
  const { database } = deps;
  const book = await deps.openBook(tenant);
  if (book.since === null) {
    throw new DaybookError('E_CONFLICT', {
      where: 'rate',
      reason: `${tenant.name} has no rates; \`daybook load rates\` brings them`,
    });
  }
  const [lock] = await database.asTenant(tenant.id, (tx) => locksIn(tx, tenant.id, period));
  if (lock && !dryRun) {
    const day = lock.from > period.from ? lock.from : period.from;
    throw new DaybookError('E_LOCKED', { day, reason: lock.reason });
  }
  const total = { calls: 0, added: 0, changed: 0, removed: 0, unrated: 0 };
  const sums = new Map<string, Decimal>();
  const days = daysOf(tenant.calendar, period);
  for (let at = 0; at < days.length; ) {
    signal.throwIfAborted();
    const { start } = days[at];
    let { end } = days[at];
    // Read before the calls are: what changes meanwhile is newer than what is noted.
    const hours = await database.asTenant(tenant.id, (tx) =>
      hoursIn(tx, {
        tenantId: tenant.id,
        start: start - HOUR_MS,
        end: days[days.length - 1].end,
      }),
    );
    const callsUntil = (until: number) =>
      hours.reduce((n, { hour, rows }) => (hour < until ? n + rows : n), 0);
    at += 1;
    while (at < days.length && callsUntil(days[at].end) <= MOST_CALLS) end = days[at++].end;
    const whole = hours.filter(({ hour }) => hour >= start && hour + HOUR_MS <= end);
    const job = { tenant, book, mode: 'again', start, end, hours: whole, dryRun } as const;
    const rated = await rateSpan({ ...job, requestedBy, signal }, deps);
    for (const key of ['calls', 'added', 'changed', 'removed', 'unrated'] as const) {
      total[key] += rated[key];
    }
    for (const [currency, grown] of Object.entries(rated.difference)) {
      sums.set(currency, addDecimal(sums.get(currency) ?? ZERO, parseDecimal(grown) ?? ZERO));
    }
    onDays(at, days.length);
  }
  const difference = Object.fromEntries(
    [...sums].map(([currency, sum]) => [currency, formatDecimal(sum)]),
  );
  return { ...total, difference };
}
