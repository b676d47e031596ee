import { type CallParties, type PlanChoice, planChooser } from '../../billing/choose-plan.ts';
import { compilePriceList, type PriceList } from '../../billing/price-list.ts';
import type { Database } from '../../store/database.ts';
import { readVersion } from '../../store/rate-versions.ts';
import { type RatingBook, readRatingBook } from '../../store/rating-book.ts';
import type { Tenant } from '../../store/tenants.ts';

/** A tenant's rules and price lists, ready to rate by. */
export interface PriceBook {
  readonly version: number;
  /** UTC epoch ms of the first list of any plan; null: there is none. */
  readonly since: number | null;
  choose(call: CallParties): PlanChoice;
  /** Reads the lists that are valid at some time of a window, before {@link listAt} is asked. */
  prepare(start: number, end: number): Promise<void>;
  /** The list of a plan at an instant; null: it has none then. */
  listAt(plan: string, instantMs: number): PriceList | null;
}

/** Tenants whose books are kept between passes; their lists are the memory that counts. */
const MOST_BOOKS = 8;

/** Opens books, and keeps those of the last tenants as long as nothing of them changes. */
export function createPriceBooks(
  database: Database,
): (tenant: Tenant, fresh?: boolean) => Promise<PriceBook> {
  const kept = new Map<string, PriceBook>();
  return async (tenant) => {
    const { zone } = tenant.calendar[tenant.calendar.length - 1];
    const book = await database.asTenant(tenant.id, (tx) =>
      readRatingBook(tx, { id: tenant.id, zone }),
    );
    const known = kept.get(tenant.id);
    kept.delete(tenant.id);
    const current =
      known?.version === book.version ? known : openPriceBook(database, tenant.id, book);
    kept.set(tenant.id, current);
    for (const [id] of kept) if (kept.size > MOST_BOOKS) kept.delete(id);
    return current;
  };
}

function openPriceBook(database: Database, tenantId: string, book: RatingBook): PriceBook {
  const lists = new Map<string, PriceList>();
  const plans = new Map(book.plans.map((plan) => [plan.name, plan]));
  const starts = [...book.validFrom.values()].map(([first]) => first);
  const instantsOf = (plan: string) => book.validFrom.get(plan) ?? [];
  const keyOf = (plan: string, validFrom: number) => `${validFrom} ${plan}`;
  return {
    version: book.version,
    since: starts.length === 0 ? null : Math.min(...starts),
    choose: planChooser(book),
    async prepare(start, end) {
      for (const [name, terms] of plans) {
        const instants = instantsOf(name);
        for (const [index, validFrom] of instants.entries()) {
          const until = instants[index + 1] ?? Number.POSITIVE_INFINITY;
          if (validFrom >= end || until <= start || lists.has(keyOf(name, validFrom))) continue;
          const rows = await database.asTenant(
            tenantId,
            (tx) => readVersion(tx, { tenantId, plan: name, validFrom }),
            { readOnly: true },
          );
          lists.set(keyOf(name, validFrom), compilePriceList(terms, validFrom, rows));
        }
      }
    },
    listAt(plan, instantMs) {
      const instants = instantsOf(plan);
      for (let i = instants.length - 1; i >= 0; i--) {
        if (instants[i] <= instantMs) return lists.get(keyOf(plan, instants[i])) ?? null;
      }
      return null;
    },
  };
}
