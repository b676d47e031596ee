import type { PayerRule, PlanAssignment } from '../billing/choose-plan.ts';
import type { PlanTerms } from '../billing/rate-plan.ts';
import type { Tx } from './database.ts';
import { ensureOwnPayer } from './payers.ts';
import { latestRateChange } from './rate-changes.ts';
import { listPlans, listVersions } from './rate-plans.ts';

/** All that decides what calls of a tenant cost, but the price lists themselves. */
export interface RatingBook {
  /** Of the newest change; 0: nothing is rated. */
  readonly version: number;
  /** Key of the tenant as a payer. */
  readonly ownPayer: string;
  readonly plans: readonly PlanTerms[];
  /** Instants from which on each plan has a list, ascending, UTC epoch ms. */
  readonly validFrom: ReadonlyMap<string, readonly number[]>;
  readonly rules: readonly PayerRule[];
  readonly assignments: readonly PlanAssignment[];
}

/** @param zone of plans that name none */
export async function readRatingBook(
  tx: Tx,
  tenant: { readonly id: string; readonly zone: string },
): Promise<RatingBook> {
  const version = await latestRateChange(tx, tenant.id);
  const own = await ensureOwnPayer(tx, tenant.id);
  const plans = await listPlans(tx, tenant.id);
  const versions = await listVersions(tx, tenant.id, null);
  const validFrom = new Map<string, number[]>();
  for (const { plan, validFrom: from } of versions.reverse()) {
    const instants = validFrom.get(plan) ?? [];
    instants.push(from.getTime());
    validFrom.set(plan, instants);
  }
  return {
    version,
    ownPayer: own.key,
    plans: plans.map((plan) => ({ ...plan, zone: plan.zone ?? tenant.zone })),
    validFrom,
    rules: await tx.query<PayerRule>(
      `select match_by as by, match_value as value, ${INSTANT} as "validFrom", payer
       from daybook.payer_rules where tenant_id = $1`,
      [tenant.id],
    ),
    assignments: await tx.query<PlanAssignment>(
      `select payer, direction, agent, ${INSTANT} as "validFrom", plan
       from daybook.plan_assignments where tenant_id = $1`,
      [tenant.id],
    ),
  };
}

/** Epoch ms as a double; that of -infinity is -Infinity. */
const INSTANT = `case when valid_from = '-infinity' then '-infinity'::float8
  else floor(extract(epoch from valid_from) * 1000)::float8 end`;
