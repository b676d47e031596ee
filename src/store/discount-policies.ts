import { DaybookError } from '../errors.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../money/decimal.ts';
import type { DiscountPolicy, DiscountTerms } from '../sales/discount-policy.ts';
import type { Tx } from './database.ts';

/** A tenant's discount policies, by key. All functions work within a tenant. */

export interface StoredPolicy extends DiscountPolicy {
  readonly title: string;
  readonly changedBy: string;
  readonly changedAt: Date;
}

interface PolicyRow extends Pick<StoredPolicy, 'key' | 'title' | 'sku' | 'validFrom' | 'validTo'> {
  readonly kind: DiscountTerms['kind'];
  readonly value: string | null;
  readonly currency: string | null;
  readonly tiers: readonly (readonly [string, string])[] | null;
  readonly stacks: boolean;
  readonly limitPercent: string;
  readonly grants: Readonly<Record<string, string>>;
  readonly active: boolean;
  readonly changedBy: string;
  readonly changedAt: Date;
}

const COLUMNS = `key, title, kind, value::text, currency, tiers, sku,
  to_char(valid_from, 'YYYY-MM-DD') as "validFrom", to_char(valid_to, 'YYYY-MM-DD') as "validTo",
  stacks, limit_percent::text as "limitPercent", grants, active, changed_by as "changedBy",
  changed_at as "changedAt"`;

/** Adds a policy, or changes it; what was proposed by it keeps its discount. */
export async function putPolicy(
  tx: Tx,
  tenantId: string,
  policy: Omit<StoredPolicy, 'changedAt'>,
): Promise<StoredPolicy> {
  const { terms } = policy;
  const text = (each: Decimal) => formatDecimal(each);
  const [put] = await tx.query<PolicyRow>(
    `insert into daybook.discount_policies (tenant_id, key, title, kind, value, currency, tiers, sku,
       valid_from, valid_to, stacks, limit_percent, grants, active, changed_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9::date, $10::date, $11, $12, $13, $14, $15)
     on conflict (tenant_id, key) do update
     set title = excluded.title, kind = excluded.kind, value = excluded.value,
       currency = excluded.currency, tiers = excluded.tiers, sku = excluded.sku,
       valid_from = excluded.valid_from, valid_to = excluded.valid_to, stacks = excluded.stacks,
       limit_percent = excluded.limit_percent, grants = excluded.grants, active = excluded.active,
       changed_by = excluded.changed_by, changed_at = now()
     returning ${COLUMNS}`,
    [
      tenantId,
      policy.key,
      policy.title,
      terms.kind,
      terms.kind === 'tiers' ? null : text(terms.kind === 'fixed' ? terms.amount : terms.percent),
      terms.kind === 'fixed' ? terms.currency : null,
      terms.kind === 'tiers'
        ? JSON.stringify(terms.tiers.map(({ from, percent }) => [text(from), text(percent)]))
        : null,
      policy.sku,
      policy.validFrom,
      policy.validTo,
      policy.stacks,
      text(policy.limitPercent),
      JSON.stringify(
        Object.fromEntries(Object.entries(policy.grants).map(([role, most]) => [role, text(most)])),
      ),
      policy.active,
      policy.changedBy,
    ],
  );
  return policyOf(put);
}

/** By key, after `afterKey`. */
export async function listPolicies(
  tx: Tx,
  page: { readonly tenantId: string; readonly afterKey: string; readonly limit: number },
): Promise<StoredPolicy[]> {
  const rows = await tx.query<PolicyRow>(
    `select ${COLUMNS} from daybook.discount_policies where tenant_id = $1 and key > $2
     order by key limit $3`,
    [page.tenantId, page.afterKey, page.limit],
  );
  return rows.map(policyOf);
}

/**
 * Those of these keys, in the order of the keys.
 * @throws DaybookError `E_NOT_FOUND` for the first that there is not
 */
export async function requirePolicies(
  tx: Tx,
  tenantId: string,
  keys: readonly string[],
): Promise<StoredPolicy[]> {
  if (keys.length === 0) return [];
  const rows = await tx.query<PolicyRow>(
    `select ${COLUMNS} from daybook.discount_policies where tenant_id = $1 and key = any ($2)`,
    [tenantId, keys],
  );
  return keys.map((key) => {
    const row = rows.find((each) => each.key === key);
    if (!row) throw new DaybookError('E_NOT_FOUND', { what: 'discount policy', got: key });
    return policyOf(row);
  });
}

function policyOf(row: PolicyRow): StoredPolicy {
  const { kind, value, currency, tiers, limitPercent, grants, ...rest } = row;
  return {
    ...rest,
    terms: termsOf(kind, value, currency, tiers),
    limitPercent: decimalOf(limitPercent),
    grants: Object.fromEntries(
      Object.entries(grants).map(([role, percent]) => [role, decimalOf(percent)]),
    ),
  };
}

function termsOf(
  kind: DiscountTerms['kind'],
  value: string | null,
  currency: string | null,
  tiers: PolicyRow['tiers'],
): DiscountTerms {
  if (kind === 'percent') return { kind, percent: decimalOf(value) };
  if (kind === 'fixed') return { kind, amount: decimalOf(value), currency: currency ?? '' };
  return {
    kind,
    tiers: (tiers ?? []).map(([from, percent]) => ({
      from: decimalOf(from),
      percent: decimalOf(percent),
    })),
  };
}

function decimalOf(text: string | null): Decimal {
  const decimal = parseDecimal(text ?? '');
  if (decimal) return decimal;
  throw new DaybookError('E_INTERNAL', { reason: `${text} stands where a decimal belongs` });
}
