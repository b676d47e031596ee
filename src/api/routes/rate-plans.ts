import { z } from 'zod';
import { DIRECTIONS_OF_PLANS, MOST_SCALE, ROUNDINGS } from '../../billing/rate-plan.ts';
import { loadRates } from '../../ingest/load-rates.ts';
import { parseInstant } from '../../mapping/iso-time.ts';
import { formatDecimal } from '../../money/decimal.ts';
import {
  listPlans,
  listVersions,
  putPlan,
  type RateVersion,
  requirePlan,
  type StoredPlan,
} from '../../store/rate-plans.ts';
import { removeVersion } from '../../store/rate-versions.ts';
import { actorOf } from '../access.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Rate plans and their price lists. */

const Name = z.string().min(1).max(200);
const Money = z.string().max(40).describe('A decimal such as `0.0125`.');
const Row = z.strictObject({
  prefix: z.string().max(33),
  rate: Money,
  description: z.string().max(500).optional(),
  connect_fee: Money.optional(),
  rate_unit_seconds: z.int().optional(),
  increment_seconds: z.int().optional(),
  minimum_seconds: z.int().optional(),
  from_second: z.int().optional(),
  window: z.string().max(200).optional(),
});

const PlanView = z.object({
  name: z.string(),
  currency: z.string(),
  zone: z.union([z.string(), z.null()]).describe("Null: that of the tenant's days."),
  direction: z.enum(DIRECTIONS_OF_PLANS),
  prefix_of: z.enum(['callee', 'caller']),
  rounding: z.enum(ROUNDINGS),
  rounding_scale: z.number(),
  free_seconds: z.number(),
  minimum_charge: z.union([z.string(), z.null()]),
  maximum_charge: z.union([z.string(), z.null()]),
  windows: z.record(z.string(), z.string()),
  versions: z.array(
    z.object({
      valid_from: z.string(),
      rows: z.number(),
      file_name: z.string(),
      loaded_by: z.string(),
      loaded_at: z.string(),
    }),
  ),
});

const PlanBody = z.strictObject({
  currency: z.string().max(3).optional(),
  zone: z.union([z.string().max(64), z.null()]).optional(),
  direction: z.enum(DIRECTIONS_OF_PLANS).optional(),
  prefix_of: z.enum(['callee', 'caller']).optional(),
  rounding: z.enum(ROUNDINGS).optional(),
  rounding_scale: z.int().min(0).max(MOST_SCALE).optional(),
  free_seconds: z.int().min(0).max(86_400).optional(),
  minimum_charge: z.string().max(40).optional().describe('A decimal; empty: none any more.'),
  maximum_charge: z.string().max(40).optional().describe('A decimal; empty: none any more.'),
  windows: z.record(z.string().max(100), z.string().max(200)).optional(),
});

export function ratePlanRoutes({ server, deps, closing }: RouteContext): void {
  const { database } = deps;
  const params = z.object({ name: Name });

  server.get(
    '/v1/rate-plans',
    {
      config: { access: 'rates.read' },
      schema: {
        operationId: 'listRatePlans',
        tags: ['rating'],
        summary: 'Rate plans and the instants from which on they have price lists',
        headers: TENANT_HEADERS,
        response: { 200: z.object({ items: z.array(PlanView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      return database.asTenant(tenant.id, async (tx) => {
        const versions = await listVersions(tx, tenant.id, null);
        const plans = await listPlans(tx, tenant.id);
        return { items: plans.map((plan) => viewPlan(plan, versions)) };
      });
    },
  );

  server.get(
    '/v1/rate-plans/:name',
    {
      config: { access: 'rates.read' },
      schema: {
        operationId: 'getRatePlan',
        tags: ['rating'],
        summary: 'A rate plan',
        headers: TENANT_HEADERS,
        params,
        response: { 200: PlanView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { name } = request.params;
      return database.asTenant(tenant.id, async (tx) =>
        viewPlan(await requirePlan(tx, tenant.id, name), await listVersions(tx, tenant.id, name)),
      );
    },
  );

  server.put(
    '/v1/rate-plans/:name',
    {
      config: { access: 'rates.manage' },
      schema: {
        operationId: 'putRatePlan',
        tags: ['rating'],
        summary: 'Make a rate plan, or change what is named of one that is there',
        headers: TENANT_HEADERS,
        params,
        body: PlanBody,
        response: { 200: PlanView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: changedBy } = actorOf(request);
      const { body } = request;
      return database.asTenant(tenant.id, async (tx) => {
        const plan = await putPlan(tx, {
          tenantId: tenant.id,
          tenantCurrency: tenant.currency,
          changedBy,
          name: request.params.name,
          currency: body.currency,
          zone: body.zone,
          direction: body.direction,
          prefixOf: body.prefix_of,
          rounding: body.rounding,
          roundingScale: body.rounding_scale,
          freeSeconds: body.free_seconds,
          minimumCharge: body.minimum_charge,
          maximumCharge: body.maximum_charge,
          windows: body.windows,
        });
        return viewPlan(plan, await listVersions(tx, tenant.id, plan.name));
      });
    },
  );

  server.post(
    '/v1/rate-plans/:name/versions',
    {
      config: { access: 'rates.manage' },
      schema: {
        operationId: 'addRates',
        tags: ['rating'],
        summary: 'Add a price list, whole or not at all; the plan is made where it is not there',
        headers: TENANT_HEADERS,
        params,
        body: z.strictObject({
          valid_from: z.string().max(40).describe('An instant, or a date of the tenant.'),
          replace: z.boolean().optional().describe('A list of the same instant gives way.'),
          rates: z.array(Row).min(1).max(50_000),
        }),
        response: {
          200: z.object({ loaded: z.number(), updated: z.number(), unchanged: z.number() }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant, name: requestedBy } = actorOf(request);
      const { rates, valid_from, replace = false } = request.body;
      const plan = request.params.name;
      const lines = rates.map((row) => JSON.stringify({ plan, valid_from, ...row }));
      const { loaded, updated, unchanged } = await loadRates(
        bytesOf(lines.join('\n')),
        { tenant, name: 'rates', format: 'ndjson', map: null, requestedBy, replace },
        { database, signal: closing },
      );
      return { loaded, updated, unchanged };
    },
  );

  server.delete(
    '/v1/rate-plans/:name/versions/:valid_from',
    {
      config: { access: 'rates.manage' },
      schema: {
        operationId: 'removeRates',
        tags: ['rating'],
        summary: 'Remove a price list; what was charged by it stays until it is rated again',
        headers: TENANT_HEADERS,
        params: params.extend({ valid_from: z.string().max(40) }),
        response: { 204: z.null().describe('Removed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: removedBy } = actorOf(request);
      const { name: plan, valid_from } = request.params;
      const validFrom = parseInstant(valid_from, 'valid_from');
      await database.asTenant(tenant.id, async (tx) => {
        await requirePlan(tx, tenant.id, plan);
        await removeVersion(tx, { tenantId: tenant.id, plan, validFrom, removedBy });
      });
      return reply.code(204).send(null);
    },
  );
}

async function* bytesOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

function viewPlan(plan: StoredPlan, versions: readonly RateVersion[]): z.infer<typeof PlanView> {
  return {
    name: plan.name,
    currency: plan.currency,
    zone: plan.zone,
    direction: plan.direction,
    prefix_of: plan.prefixOf,
    rounding: plan.rounding,
    rounding_scale: plan.roundingScale,
    free_seconds: plan.freeSeconds,
    minimum_charge: plan.minimumCharge && formatDecimal(plan.minimumCharge),
    maximum_charge: plan.maximumCharge && formatDecimal(plan.maximumCharge),
    windows: { ...plan.windows },
    versions: versions
      .filter((version) => version.plan === plan.name)
      .map((version) => ({
        valid_from: version.validFrom.toISOString(),
        rows: version.rows,
        file_name: version.fileName,
        loaded_by: version.loadedBy,
        loaded_at: version.loadedAt.toISOString(),
      })),
  };
}
