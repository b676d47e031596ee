import { z } from 'zod';
import { type Charge, listCharges } from '../../store/charges.ts';
import { parsePeriod } from '../../time/period.ts';
import { actorOf } from '../access.ts';
import { readRowCursor, writeRowCursor } from '../row-cursor.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

const orNull = <T extends z.ZodType>(type: T) => z.union([type, z.null()]);

const ChargeView = z.object({
  external_id: z.string(),
  started_at: z.string(),
  billed_on: z.string(),
  status: z.enum(['rated', 'unrated']),
  reason: orNull(z.string()).describe('Why it could not be rated.'),
  payer: z.string(),
  direction: orNull(z.string()),
  caller: orNull(z.string()),
  callee: orNull(z.string()),
  agent: orNull(z.string()),
  trunk: orNull(z.string()),
  actual_seconds: orNull(z.number()),
  billed_seconds: orNull(z.number()),
  plan: orNull(z.string()),
  plan_from: orNull(z.string()),
  prefix: orNull(z.string()),
  rate: orNull(z.string()),
  rate_unit_seconds: orNull(z.number()),
  increment_seconds: orNull(z.number()),
  minimum_seconds: orNull(z.number()),
  connect_fee: orNull(z.string()),
  lines: orNull(
    z.array(
      z.object({
        from_second: z.number(),
        seconds: z.number(),
        rate: z.string(),
        rate_unit_seconds: z.number(),
        increment_seconds: z.number(),
        window: z.string(),
      }),
    ),
  ).describe('A line per group, where there were several.'),
  rounding: orNull(z.string()),
  rounding_step: orNull(z.string()),
  amount: orNull(z.string()),
  currency: orNull(z.string()),
});

/** What calls were charged. */
export function chargeRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/charges',
    {
      config: { access: 'charges.read' },
      schema: {
        operationId: 'listCharges',
        tags: ['rating'],
        summary: 'Charges of a period, by their start',
        headers: TENANT_HEADERS,
        querystring: z.object({
          from: z.string().max(64),
          to: z.string().max(64),
          payer: z.string().max(200).optional(),
          status: ChargeView.shape.status.optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
          cursor: z.string().max(4000).optional(),
        }),
        response: {
          200: z.object({ items: z.array(ChargeView), next_cursor: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { from, to, payer, status, limit, cursor } = request.query;
      const after = readRowCursor(cursor);
      const filter = { tenantId: tenant.id, period: parsePeriod(from, to), payer, status, limit };
      const found = await database.asTenant(
        tenant.id,
        (tx) =>
          listCharges(tx, {
            ...filter,
            ...(after ? { after: { startedAt: after.at, externalId: after.key } } : {}),
          }),
        { readOnly: true },
      );
      const last = found.length === limit ? found[found.length - 1] : null;
      return {
        items: found.map(viewCharge),
        next_cursor: last && writeRowCursor({ at: last.startedAt, key: last.externalId }),
      };
    },
  );
}

function viewCharge(charge: Charge): z.infer<typeof ChargeView> {
  return {
    external_id: charge.externalId,
    started_at: charge.startedAt.toISOString(),
    billed_on: charge.billedOn,
    status: charge.status,
    reason: charge.reason,
    payer: charge.payer,
    direction: charge.direction,
    caller: charge.caller,
    callee: charge.callee,
    agent: charge.agent,
    trunk: charge.trunk,
    actual_seconds: charge.actualSeconds,
    billed_seconds: charge.billedSeconds,
    plan: charge.plan,
    plan_from: charge.planFrom?.toISOString() ?? null,
    prefix: charge.prefix,
    rate: charge.rate,
    rate_unit_seconds: charge.rateUnitSeconds,
    increment_seconds: charge.incrementSeconds,
    minimum_seconds: charge.minimumSeconds,
    connect_fee: charge.connectFee,
    lines:
      charge.lines?.map(([from_second, seconds, rate, unit, increment, window]) => ({
        ...{ from_second, seconds, rate, rate_unit_seconds: unit },
        ...{ increment_seconds: increment, window },
      })) ?? null,
    rounding: charge.rounding,
    rounding_step: charge.roundingStep,
    amount: charge.amount,
    currency: charge.currency,
  };
}
