import { loadRates, type RatesResult } from '../../../src/ingest/load-rates.ts';
import { createPriceBooks } from '../../../src/scheduler/rating/price-book.ts';
import { type RatedAgain, rateAgain } from '../../../src/scheduler/rating/rate-again.ts';
import { type RatedNew, rateNew } from '../../../src/scheduler/rating/rate-new.ts';
import { createPostgresSource } from '../../../src/sources/postgres/postgres-source.ts';
import type { Database } from '../../../src/store/database.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { load, pieces } from '../../ingest/support/load.ts';
import type { TestTenant } from '../../support/database.ts';

/** A tenant whose calls are rated, over the real store and source. */
export interface RatingRig {
  rates(csv: string, options?: { replace?: boolean }): Promise<RatesResult>;
  calls(csv: string): Promise<void>;
  pass(): Promise<RatedNew>;
  again(from: string, to: string, dryRun?: boolean): Promise<RatedAgain>;
  rows(sql: string): Promise<unknown[][]>;
}

export const CALLS_HEADER =
  'external_id,started_at,answered_at,ended_at,direction,caller,callee,agent,trunk,disposition,talk_seconds';
const never = new AbortController().signal;

export function ratingRig(database: Database, tenant: TestTenant): RatingRig {
  const source = createPostgresSource(database);
  const openBook = createPriceBooks(database);
  const whole = () => database.asSystem((tx) => requireTenant(tx, tenant.id));
  return {
    rates: async (csv, { replace = false } = {}) =>
      loadRates(
        pieces(Buffer.from(csv)),
        {
          tenant: await whole(),
          name: 'rates.csv',
          format: null,
          map: null,
          requestedBy: 'test',
          replace,
        },
        { database, signal: never },
      ),
    calls: async (csv) => {
      await load(database, tenant, `${CALLS_HEADER}\n${csv}`);
    },
    pass: async () => {
      const of = { database, source, holder: 'test', openBook, lookBackMs: null };
      const rated = await rateNew(Date.now(), of, never);
      if (rated === null) throw new Error('another pass is under way');
      return rated;
    },
    again: async (from, to, dryRun = false) =>
      rateAgain(
        { tenant: await whole(), period: { from, to }, dryRun, requestedBy: 'test' },
        { database, source, openBook },
        never,
      ),
    rows: (sql) =>
      database.asTenant(tenant.id, async (tx) => (await tx.query(sql)).map(Object.values)),
  };
}
