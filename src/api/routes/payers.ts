import { z } from 'zod';
import { DIRECTIONS_OF_PLANS } from '../../billing/rate-plan.ts';
import { DaybookError } from '../../errors.ts';
import { listPayers, type Payer, putPayer } from '../../store/payers.ts';
import {
  listAssignments,
  listPayerRules,
  putAssignment,
  putPayerRule,
  removeAssignment,
  removePayerRule,
  type StoredAssignment,
  type StoredPayerRule,
} from '../../store/plan-rules.ts';
import { actorOf } from '../access.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Who pays, which calls are whose, and which plan they are rated by. */

const Text = z.string().min(1).max(200);
const Instant = z.iso.datetime({ offset: true });
const ValidFrom = Instant.optional().describe('Left out: from the beginning.');
const Nothing = { 204: z.null().describe('Removed.'), ...PROBLEMS };

const PayerView = z.object({
  key: z.string(),
  kind: z.enum(['tenant', 'customer']),
  title: z.string(),
});
const RuleView = z.object({
  id: z.string(),
  match_by: z.enum(['number', 'trunk', 'agent']),
  match_value: z.string(),
  valid_from: z.union([z.string(), z.null()]),
  payer: z.union([z.string(), z.null()]).describe('Null: the tenant itself again.'),
});
const AssignmentView = z.object({
  id: z.string(),
  payer: z.union([z.string(), z.null()]).describe('Null: any payer.'),
  direction: z.enum(DIRECTIONS_OF_PLANS),
  agent: z.union([z.string(), z.null()]),
  valid_from: z.union([z.string(), z.null()]),
  plan: z.string(),
});

export function payerRoutes(context: RouteContext): void {
  const { server, deps } = context;
  const { database } = deps;
  const of = { tags: ['rating'], headers: TENANT_HEADERS };

  server.get(
    '/v1/payers',
    {
      config: { access: 'rates.read' },
      schema: {
        ...of,
        operationId: 'listPayers',
        summary: 'Who pays for calls',
        response: { 200: z.object({ items: z.array(PayerView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const payers = await database.asTenant(tenant.id, (tx) => listPayers(tx, tenant.id));
      return { items: payers.map(viewPayer) };
    },
  );

  server.put(
    '/v1/payers/:key',
    {
      config: { access: 'rates.manage' },
      schema: {
        ...of,
        operationId: 'putPayer',
        summary: 'Add a customer as a payer, or change its title',
        params: z.object({ key: Text }),
        body: z.strictObject({ title: Text.optional() }),
        response: { 200: PayerView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const payer = { tenantId: tenant.id, key: request.params.key, title: request.body.title };
      return viewPayer(await database.asTenant(tenant.id, (tx) => putPayer(tx, payer)));
    },
  );

  ruleRoutes(context);
  assignmentRoutes(context);
}

function ruleRoutes({ server, deps: { database } }: RouteContext): void {
  const of = { tags: ['rating'], headers: TENANT_HEADERS };

  server.get(
    '/v1/payer-rules',
    {
      config: { access: 'rates.read' },
      schema: {
        ...of,
        operationId: 'listPayerRules',
        summary: 'Which payer calls are billed to, by number, trunk or agent',
        response: { 200: z.object({ items: z.array(RuleView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const rules = await database.asTenant(tenant.id, (tx) => listPayerRules(tx, tenant.id));
      return { items: rules.map(viewRule) };
    },
  );

  server.post(
    '/v1/payer-rules',
    {
      config: { access: 'rates.manage' },
      schema: {
        ...of,
        operationId: 'putPayerRule',
        summary: 'Bill calls to a payer from an instant on; said again, nothing more is made',
        body: z.strictObject({
          match_by: RuleView.shape.match_by,
          match_value: Text,
          valid_from: ValidFrom,
          payer: z.union([Text, z.null()]),
        }),
        response: { 200: RuleView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: changedBy } = actorOf(request);
      const { match_by, match_value, valid_from, payer } = request.body;
      const rule = await database.asTenant(tenant.id, (tx) =>
        putPayerRule(tx, {
          ...{ tenantId: tenant.id, changedBy, matchBy: match_by, matchValue: match_value, payer },
          validFrom: valid_from === undefined ? null : new Date(valid_from),
        }),
      );
      return viewRule(rule);
    },
  );

  server.delete(
    '/v1/payer-rules/:id',
    {
      config: { access: 'rates.manage' },
      schema: {
        ...of,
        operationId: 'removePayerRule',
        summary: 'Remove a rule',
        params: z.object({ id: z.string() }),
        response: Nothing,
      },
    },
    async (request, reply) => {
      const { tenant, name: changedBy } = actorOf(request);
      const id = uuidOf(request.params.id, 'payer rule');
      await database.asTenant(tenant.id, (tx) =>
        removePayerRule(tx, { tenantId: tenant.id, id, changedBy }),
      );
      return reply.code(204).send(null);
    },
  );
}

function assignmentRoutes({ server, deps: { database } }: RouteContext): void {
  const of = { tags: ['rating'], headers: TENANT_HEADERS };

  server.get(
    '/v1/plan-assignments',
    {
      config: { access: 'rates.read' },
      schema: {
        ...of,
        operationId: 'listPlanAssignments',
        summary: 'Which plan calls are rated by',
        response: { 200: z.object({ items: z.array(AssignmentView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const all = await database.asTenant(tenant.id, (tx) => listAssignments(tx, tenant.id));
      return { items: all.map(viewAssignment) };
    },
  );

  server.post(
    '/v1/plan-assignments',
    {
      config: { access: 'rates.manage' },
      schema: {
        ...of,
        operationId: 'putPlanAssignment',
        summary: 'Rate calls by a plan from an instant on; said again, nothing more is made',
        body: z.strictObject({
          payer: z.union([Text, z.null()]).optional(),
          direction: AssignmentView.shape.direction,
          agent: z.union([Text, z.null()]).optional(),
          valid_from: ValidFrom,
          plan: Text,
        }),
        response: { 200: AssignmentView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: changedBy } = actorOf(request);
      const { payer = null, agent = null, direction, valid_from, plan } = request.body;
      const put = await database.asTenant(tenant.id, (tx) =>
        putAssignment(tx, {
          ...{ tenantId: tenant.id, changedBy, payer, direction, agent, plan },
          validFrom: valid_from === undefined ? null : new Date(valid_from),
        }),
      );
      return viewAssignment(put);
    },
  );

  server.delete(
    '/v1/plan-assignments/:id',
    {
      config: { access: 'rates.manage' },
      schema: {
        ...of,
        operationId: 'removePlanAssignment',
        summary: 'Remove an assignment',
        params: z.object({ id: z.string() }),
        response: Nothing,
      },
    },
    async (request, reply) => {
      const { tenant, name: changedBy } = actorOf(request);
      const id = uuidOf(request.params.id, 'assignment');
      await database.asTenant(tenant.id, (tx) =>
        removeAssignment(tx, { tenantId: tenant.id, id, changedBy }),
      );
      return reply.code(204).send(null);
    },
  );
}

function uuidOf(id: string, what: string): string {
  if (isUuid(id)) return id.toLowerCase();
  throw new DaybookError('E_NOT_FOUND', { what, got: id });
}

function viewPayer({ key, kind, title }: Payer): z.infer<typeof PayerView> {
  return { key, kind, title };
}

function viewRule(rule: StoredPayerRule): z.infer<typeof RuleView> {
  return {
    id: rule.id,
    match_by: rule.matchBy,
    match_value: rule.matchValue,
    valid_from: rule.validFrom?.toISOString() ?? null,
    payer: rule.payer,
  };
}

function viewAssignment(one: StoredAssignment): z.infer<typeof AssignmentView> {
  return {
    id: one.id,
    payer: one.payer,
    direction: one.direction,
    agent: one.agent,
    valid_from: one.validFrom?.toISOString() ?? null,
    plan: one.plan,
  };
}
