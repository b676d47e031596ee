import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { formatDecimal, parseDecimal } from '../../money/decimal.ts';
import { ROLES } from '../../principals/principal.ts';
import { type DiscountTerms, parsePercent, parseTiers } from '../../sales/discount-policy.ts';
import { listPolicies, putPolicy, type StoredPolicy } from '../../store/discount-policies.ts';
import { actorOf } from '../access.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import {
  AmountText,
  CurrencyText,
  DateText,
  DecimalText,
  KeyPage,
  KeyText,
  orNull,
  pageOf,
  TitleText,
} from './sales-schemas.ts';

/** Which discounts there are, how they add up, and who may grant how much. */

const KINDS = ['percent', 'fixed', 'tiers'] as const;
/** Who policies may name: roles of members, and `key` for API keys. */
const GRANTORS = [...ROLES, 'key'] as const;
const MOST_TIERS = 50;

const PolicyView = z.object({
  key: z.string(),
  title: z.string(),
  kind: z.enum(KINDS),
  value: orNull(z.string()).describe('Percent of the list amount, or money off the line.'),
  currency: orNull(z.string()),
  tiers: orNull(z.array(z.tuple([z.string(), z.string()]))),
  sku: orNull(z.string()).describe('null: any product.'),
  valid_from: z.string(),
  valid_to: orNull(z.string()),
  stacks: z.boolean(),
  limit_percent: z.string(),
  grants: z.record(z.string(), z.string()),
  active: z.boolean(),
  changed_by: z.string(),
  changed_at: z.string(),
});

const PolicyBody = z.strictObject({
  title: TitleText,
  kind: z.enum(KINDS),
  value: AmountText.optional().describe('For percent and fixed.'),
  currency: CurrencyText.optional().describe('For fixed.'),
  tiers: z
    .array(z.tuple([DecimalText, DecimalText]))
    .min(1)
    .max(MOST_TIERS)
    .optional()
    .describe('For tiers: [quantity from which on, percent], ascending.'),
  sku: KeyText.optional(),
  valid_from: DateText.default('0001-01-01'),
  valid_to: DateText.optional(),
  stacks: z.boolean().default(false).describe('It may be given beside others that may, too.'),
  limit_percent: DecimalText.default('100').describe('The most that a line may be given in all.'),
  grants: z
    .partialRecord(z.enum(GRANTORS), DecimalText)
    .describe('Who may grant how many percent of a line; who is not named grants nothing.'),
  active: z.boolean().default(true),
});

export function discountPolicyRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/discount-policies',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'listDiscountPolicies',
        tags: ['sales'],
        summary: 'Discount policies, by key',
        headers: TENANT_HEADERS,
        querystring: KeyPage,
        response: {
          200: z.object({ items: z.array(PolicyView), next_after: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { after, limit } = request.query;
      const page = { tenantId: tenant.id, afterKey: after, limit: limit + 1 };
      const found = await database.asTenant(tenant.id, (tx) => listPolicies(tx, page));
      const { items, next_after } = pageOf(found, limit, ({ key }) => key);
      return { items: items.map(view), next_after };
    },
  );

  server.put(
    '/v1/discount-policies/:key',
    {
      config: { access: 'discounts.manage' },
      schema: {
        operationId: 'putDiscountPolicy',
        tags: ['sales'],
        summary: 'Add a discount policy or change it; what was proposed keeps its discount',
        headers: TENANT_HEADERS,
        params: z.object({ key: KeyText }),
        body: PolicyBody,
        response: { 200: PolicyView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: changedBy } = actorOf(request);
      const { body } = request;
      if (body.valid_to !== undefined && body.valid_to < body.valid_from) {
        throw invalid('valid_to', body.valid_to, `${body.valid_from} or later`);
      }
      const policy = {
        key: request.params.key,
        title: body.title,
        terms: termsOf(body),
        sku: body.sku ?? null,
        validFrom: body.valid_from,
        validTo: body.valid_to ?? null,
        stacks: body.stacks,
        limitPercent: parsePercent(body.limit_percent, 'limit_percent'),
        grants: Object.fromEntries(
          Object.entries(body.grants).map(([role, most]) => [
            role,
            parsePercent(String(most), `grants.${role}`),
          ]),
        ),
        active: body.active,
        changedBy,
      };
      return view(await database.asTenant(tenant.id, (tx) => putPolicy(tx, tenant.id, policy)));
    },
  );
}

/** Each kind has exactly what it needs. */
function termsOf({ kind, value, currency, tiers }: z.infer<typeof PolicyBody>): DiscountTerms {
  const given = { value, currency, tiers };
  const needed = { percent: ['value'], fixed: ['value', 'currency'], tiers: ['tiers'] }[kind];
  for (const [name, present] of Object.entries(given)) {
    if ((present !== undefined) !== needed.includes(name)) {
      throw invalid(
        name,
        present === undefined ? 'nothing' : JSON.stringify(present).slice(0, 100),
        needed.includes(name) ? `a ${name}: it is ${kind}` : `none: it is ${kind}`,
      );
    }
  }
  if (kind === 'tiers') return { kind, tiers: parseTiers(tiers ?? [], 'tiers') };
  if (kind === 'percent') return { kind, percent: parsePercent(value ?? '', 'value') };
  const amount = parseDecimal(value ?? '');
  if (amount === null) throw invalid('value', value ?? 'nothing', 'a decimal such as 12.50');
  return { kind, amount, currency: currency ?? '' };
}

function invalid(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_INVALID', { where, got, expected });
}

function view(policy: StoredPolicy): z.infer<typeof PolicyView> {
  const { terms } = policy;
  return {
    key: policy.key,
    title: policy.title,
    kind: terms.kind,
    value:
      terms.kind === 'tiers'
        ? null
        : formatDecimal(terms.kind === 'fixed' ? terms.amount : terms.percent),
    currency: terms.kind === 'fixed' ? terms.currency : null,
    tiers:
      terms.kind === 'tiers'
        ? terms.tiers.map(({ from, percent }) => [formatDecimal(from), formatDecimal(percent)])
        : null,
    sku: policy.sku,
    valid_from: policy.validFrom,
    valid_to: policy.validTo,
    stacks: policy.stacks,
    limit_percent: formatDecimal(policy.limitPercent),
    grants: Object.fromEntries(
      Object.entries(policy.grants).map(([role, most]) => [role, formatDecimal(most)]),
    ),
    active: policy.active,
    changed_by: policy.changedBy,
    changed_at: policy.changedAt.toISOString(),
  };
}
