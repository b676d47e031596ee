import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';

/** What calls were charged; rated in `rating-run.ts`, only read here. */

export const UNRATED_REASONS = {
  no_direction: 'the call has no direction, so that no plan is for it',
  no_duration: 'the call was answered, and nothing says how long it lasted',
  no_number: 'the party whose number the plan rates by has no digits',
  no_plan: 'no plan is assigned to calls of this payer and direction',
  several_plans: 'several plans are for calls of this direction, and none is assigned',
  no_version: 'the plan has no rates that are valid at the start of the call',
  no_rate: 'no prefix of the plan fits the number',
  no_window: 'no rate of the prefix holds at some time of the call',
  too_long: 'the call is longer than 30 days',
} as const;
export type UnratedReason = keyof typeof UNRATED_REASONS;

/** `[second it began, seconds, rate, unit, increment, window]`; the rate is decimal text. */
export type ChargeLine = readonly [number, number, string, number, number, string];

/** Decimals are exact text such as `0.0125`. */
export interface Charge {
  /** Of the call. */
  readonly externalId: string;
  readonly startedAt: Date;
  /** The tenant's local date of the start. */
  readonly billedOn: string;
  readonly status: 'rated' | 'unrated';
  /** Null: it is rated. */
  readonly reason: UnratedReason | null;
  /** Key of the payer. */
  readonly payer: string;
  readonly direction: string | null;
  readonly caller: string | null;
  readonly callee: string | null;
  readonly agent: string | null;
  readonly trunk: string | null;
  readonly actualSeconds: number | null;
  /** From here on null where it is not rated. */
  readonly billedSeconds: number | null;
  readonly plan: string | null;
  readonly planFrom: Date | null;
  readonly prefix: string | null;
  /** Of the group that the call began with, like the four below. */
  readonly rate: string | null;
  readonly rateUnitSeconds: number | null;
  readonly incrementSeconds: number | null;
  readonly minimumSeconds: number | null;
  readonly connectFee: string | null;
  /** Null: there was one group. */
  readonly lines: readonly ChargeLine[] | null;
  readonly rounding: string | null;
  readonly roundingStep: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly ratedAt: Date;
}

export interface ChargeFilter {
  readonly tenantId: string;
  /** By `billedOn`, inclusive. */
  readonly period: Period;
  readonly payer?: string;
  readonly status?: Charge['status'];
}

const MOST_PER_PAGE = 1000;

/** As text and numbers; bigint comes from pg as text. */
const COLUMNS = `external_id as "externalId", started_at as "startedAt",
  to_char(billed_on, 'YYYY-MM-DD') as "billedOn", status, reason, payer, direction, caller, callee,
  agent, trunk, actual_seconds::float8 as "actualSeconds", billed_seconds::float8 as "billedSeconds",
  plan, plan_from as "planFrom", prefix, rate::text, rate_unit_seconds::float8 as "rateUnitSeconds",
  increment_seconds::float8 as "incrementSeconds", minimum_seconds::float8 as "minimumSeconds",
  connect_fee::text as "connectFee", lines, rounding, rounding_step::text as "roundingStep",
  amount::text, currency, rated_at as "ratedAt"`;

/** A page in the order of starts, then of ids, after `after` where given; at most 1,000. */
export async function listCharges(
  tx: Tx,
  filter: ChargeFilter & {
    readonly after?: { readonly startedAt: Date; readonly externalId: string };
    readonly limit?: number;
  },
): Promise<Charge[]> {
  return tx.query<Charge>(
    `select ${COLUMNS} from daybook.charges
     where tenant_id = $1 and billed_on between $2::date and $3::date
       and ($4::text is null or payer = $4) and ($5::text is null or status = $5)
       and ($6::timestamptz is null or (started_at, external_id) > ($6, $7))
     order by started_at, external_id limit $8`,
    [
      filter.tenantId,
      filter.period.from,
      filter.period.to,
      filter.payer ?? null,
      filter.status ?? null,
      filter.after?.startedAt ?? null,
      filter.after?.externalId ?? null,
      Math.min(filter.limit ?? MOST_PER_PAGE, MOST_PER_PAGE),
    ],
  );
}
