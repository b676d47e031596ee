import {
  DIRECTIONS_OF_PLANS,
  MOST_SCALE,
  type PlanTerms,
  ROUNDINGS,
} from '../billing/rate-plan.ts';
import { parseTimeWindow } from '../billing/time-window.ts';
import { DaybookError } from '../errors.ts';
import { isCurrency } from '../money/currencies.ts';
import { compareDecimal, type Decimal, formatDecimal, parseDecimal } from '../money/decimal.ts';
import { parseZone } from '../time/zone.ts';
import type { Tx } from './database.ts';
import { noteRateChange } from './rate-changes.ts';

/** Rate plans and which of their price lists are there; within a tenant. */

/** What a person may say of a plan; null or left out: as it was, or the usual. */
export interface PlanInput {
  readonly name: string;
  readonly currency?: string | null;
  /** Null: that of the tenant's days. */
  readonly zone?: string | null;
  readonly direction?: string | null;
  readonly prefixOf?: string | null;
  readonly rounding?: string | null;
  readonly roundingScale?: number | null;
  readonly freeSeconds?: number | null;
  /** Decimal text; the empty text: none any more. */
  readonly minimumCharge?: string | null;
  readonly maximumCharge?: string | null;
  readonly windows?: Readonly<Record<string, string>> | null;
}

/** {@link PlanTerms} as they are stored: without a zone, that of the tenant's days counts. */
export type StoredPlan = Omit<PlanTerms, 'zone'> & { readonly zone: string | null };

export interface RateVersion {
  readonly plan: string;
  readonly validFrom: Date;
  readonly rows: number;
  readonly contentSha256: string;
  readonly fileName: string;
  readonly loadedBy: string;
  readonly loadedAt: Date;
}

const LONGEST_NAME = 200;

interface PlanRow extends Omit<StoredPlan, 'minimumCharge' | 'maximumCharge'> {
  readonly minimumCharge: string | null;
  readonly maximumCharge: string | null;
}

const SELECT_PLANS = `
  select name, currency, zone, direction, prefix_of as "prefixOf", rounding,
    rounding_scale as "roundingScale", free_seconds as "freeSeconds",
    minimum_charge::text as "minimumCharge", maximum_charge::text as "maximumCharge", windows
  from daybook.rate_plans where tenant_id = $1`;

/** By name, in code-point order. */
export async function listPlans(tx: Tx, tenantId: string): Promise<StoredPlan[]> {
  return (await tx.query<PlanRow>(`${SELECT_PLANS} order by name`, [tenantId])).map(toPlan);
}

export async function findPlan(tx: Tx, tenantId: string, name: string): Promise<StoredPlan | null> {
  const [plan] = await tx.query<PlanRow>(`${SELECT_PLANS} and name = $2`, [tenantId, name]);
  return plan ? toPlan(plan) : null;
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requirePlan(tx: Tx, tenantId: string, name: string): Promise<StoredPlan> {
  const plan = await findPlan(tx, tenantId, name);
  if (!plan) throw new DaybookError('E_NOT_FOUND', { what: 'rate plan', got: name || '""' });
  return plan;
}

/**
 * Makes a plan, or changes one that is there. Its currency stays once it has rates. New calls are
 * rated by the new terms; charged ones only when their period is rated again.
 * @throws DaybookError `E_INVALID` that names the field, `E_UNKNOWN_ZONE`, `E_CONFLICT`
 */
export async function putPlan(
  tx: Tx,
  input: PlanInput & {
    readonly tenantId: string;
    readonly tenantCurrency: string;
    readonly changedBy: string;
  },
): Promise<StoredPlan> {
  const before = await findPlan(tx, input.tenantId, input.name);
  const plan = planOf(input, before, input.tenantCurrency);
  if (before && before.currency !== plan.currency) {
    const versions = await listVersions(tx, input.tenantId, plan.name);
    if (versions.length > 0) {
      const reason = `the rates of ${plan.name} are in ${before.currency}; make a plan of its own for ${plan.currency}`;
      throw new DaybookError('E_CONFLICT', { where: 'currency', reason });
    }
  }
  await tx.run(
    `insert into daybook.rate_plans as p (tenant_id, name, currency, zone, direction, prefix_of,
       rounding, rounding_scale, free_seconds, minimum_charge, maximum_charge, windows)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (tenant_id, name) do update
     set currency = excluded.currency, zone = excluded.zone, direction = excluded.direction,
       prefix_of = excluded.prefix_of, rounding = excluded.rounding,
       rounding_scale = excluded.rounding_scale, free_seconds = excluded.free_seconds,
       minimum_charge = excluded.minimum_charge, maximum_charge = excluded.maximum_charge,
       windows = excluded.windows, updated_at = now()`,
    [
      input.tenantId,
      plan.name,
      plan.currency,
      plan.zone,
      plan.direction,
      plan.prefixOf,
      plan.rounding,
      plan.roundingScale,
      plan.freeSeconds,
      plan.minimumCharge && formatDecimal(plan.minimumCharge),
      plan.maximumCharge && formatDecimal(plan.maximumCharge),
      JSON.stringify(plan.windows),
    ],
  );
  const { tenantId, changedBy } = input;
  await noteRateChange(tx, { tenantId, what: `the plan ${plan.name}`, changedBy });
  return plan;
}

/** Newest first. */
export async function listVersions(
  tx: Tx,
  tenantId: string,
  plan: string | null,
): Promise<RateVersion[]> {
  return tx.query<RateVersion>(
    `select plan, valid_from as "validFrom", row_count::float8 as rows,
       content_sha256 as "contentSha256", file_name as "fileName", loaded_by as "loadedBy",
       loaded_at as "loadedAt"
     from daybook.rate_versions where tenant_id = $1 and ($2::text is null or plan = $2)
     order by plan, valid_from desc`,
    [tenantId, plan],
  );
}

function toPlan(row: PlanRow): StoredPlan {
  const decimal = (text: string | null) => (text === null ? null : parseDecimal(text));
  return {
    ...row,
    minimumCharge: decimal(row.minimumCharge),
    maximumCharge: decimal(row.maximumCharge),
  };
}

function planOf(input: PlanInput, before: StoredPlan | null, tenantCurrency: string): StoredPlan {
  const name = input.name.trim();
  if (name === '' || name.length > LONGEST_NAME || /\p{Cc}/u.test(name)) {
    invalid(
      'name',
      input.name,
      `1 to ${LONGEST_NAME} characters, none of them a control character`,
    );
  }
  const currency = input.currency ?? before?.currency ?? tenantCurrency;
  if (!isCurrency(currency)) invalid('currency', currency, 'a code of ISO 4217 such as EUR');
  const zone = input.zone === undefined ? (before?.zone ?? null) : input.zone;
  const minimumCharge = bound('minimum_charge', input.minimumCharge, before?.minimumCharge);
  const maximumCharge = bound('maximum_charge', input.maximumCharge, before?.maximumCharge);
  if (minimumCharge && maximumCharge && compareDecimal(minimumCharge, maximumCharge) > 0) {
    const expected = `at least the minimum, ${formatDecimal(minimumCharge)}`;
    invalid('maximum_charge', formatDecimal(maximumCharge), expected);
  }
  return {
    name,
    currency,
    zone: zone === null ? null : parseZone(zone, 'zone'),
    direction: oneOf(
      'direction',
      input.direction ?? before?.direction ?? 'outbound',
      DIRECTIONS_OF_PLANS,
    ),
    prefixOf: oneOf('prefix_of', input.prefixOf ?? before?.prefixOf ?? 'callee', [
      'callee',
      'caller',
    ]),
    rounding: oneOf('rounding', input.rounding ?? before?.rounding ?? 'half_up', ROUNDINGS),
    roundingScale: within(
      'rounding_scale',
      input.roundingScale ?? before?.roundingScale ?? 4,
      MOST_SCALE,
    ),
    freeSeconds: within('free_seconds', input.freeSeconds ?? before?.freeSeconds ?? 0, 86_400),
    minimumCharge,
    maximumCharge,
    windows: windowsOf(input.windows ?? before?.windows ?? {}),
  };
}

function windowsOf(windows: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, text] of Object.entries(windows)) {
    if (parseTimeWindow(text) !== null && name !== '') continue;
    invalid(`windows.${name}`, text, 'a window such as "mon-fri 08:00-20:00"');
  }
  return windows;
}

function bound(
  where: string,
  text: string | null | undefined,
  before: Decimal | null | undefined,
): Decimal | null {
  if (text === undefined || text === null) return before ?? null;
  if (text === '') return null;
  const decimal = parseDecimal(text);
  if (decimal === null || decimal.unscaled < 0n || decimal.scale > MOST_SCALE || text.length > 40) {
    return invalid(where, text, 'a decimal such as 0.50, not negative');
  }
  return decimal;
}

function within(where: string, value: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  return invalid(where, value, `a whole number from 0 to ${most}`);
}

function oneOf<T extends string>(where: string, value: string, of: readonly T[]): T {
  const known = of.find((each) => each === value);
  return known ?? invalid(where, value, `one of ${of.join(', ')}`);
}

function invalid(where: string, got: string | number, expected: string): never {
  const shown = typeof got === 'string' ? JSON.stringify(got.slice(0, 200)) : got;
  throw new DaybookError('E_INVALID', { where, got: shown, expected });
}
