import { z } from 'zod';
import { addTrigger, triggerHash } from '../../connectors/save-trigger.ts';
import { DaybookError } from '../../errors.ts';
import { demand } from '../../principals/permissions.ts';
import { queueConnectorRun } from '../../store/connector-runs.ts';
import { runScheduleNow } from '../../store/save-schedule.ts';
import { requireTenant } from '../../store/tenants.ts';
import {
  findTrigger,
  fireTrigger,
  listTriggers,
  removeTrigger,
  type Trigger,
} from '../../store/triggers.ts';
import { actorOf, spendOne } from '../access.ts';
import { isUuid } from '../uuid.ts';
import { type ApiServer, PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Inbound webhooks: who knows the address may start the one thing that it stands for. */

const orNull = <T extends z.ZodType>(of: T) => z.union([of, z.null()]);

const TriggerView = z.object({
  id: z.string(),
  name: z.string(),
  connector: orNull(z.string()),
  schedule: orNull(z.string()),
  created_by: z.string(),
  created_at: z.string(),
  fires: z.number(),
  last_fired_at: orNull(z.string()),
});

const tags = ['connectors'];
const headers = TENANT_HEADERS;

export function triggerRoutes({ server, deps }: RouteContext): void {
  const { database } = deps;

  server.get(
    '/v1/triggers',
    {
      config: { access: 'connectors.read' },
      schema: {
        ...{ operationId: 'listTriggers', tags, headers },
        summary: 'Triggers, without their tokens',
        response: { 200: z.object({ items: z.array(TriggerView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      return { items: (await database.asTenant(tenant.id, listTriggers)).map(view) };
    },
  );

  server.post(
    '/v1/triggers',
    {
      config: { access: 'connectors.manage' },
      schema: {
        ...{ operationId: 'addTrigger', tags, headers },
        summary: 'Make a secret address that runs a connector or a schedule; it is told this once',
        body: z.union([
          z.strictObject({ name: z.string().trim().min(1).max(100), connector: z.uuid() }),
          z.strictObject({ name: z.string().trim().min(1).max(100), schedule: z.uuid() }),
        ]),
        response: { 201: TriggerView.extend({ url: z.string() }), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, principal, name: by } = actorOf(request);
      const { body } = request;
      if ('schedule' in body) demand(principal, 'schedules.manage');
      const { trigger, path } = await database.asTenant(tenant.id, (tx) =>
        addTrigger(tx, { tenantId: tenant.id, name: body.name, starts: body, by }),
      );
      reply.header('cache-control', 'no-store');
      return reply.code(201).send({ ...view(trigger), url: `${deps.publicUrl}${path}` });
    },
  );

  server.delete(
    '/v1/triggers/:id',
    {
      config: { access: 'connectors.manage' },
      schema: {
        ...{ operationId: 'removeTrigger', tags, headers },
        summary: 'Remove a trigger; its address does nothing any more',
        params: z.object({ id: z.string() }),
        response: { 204: z.null().describe('Removed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      if (!isUuid(id) || !(await database.asTenant(tenant.id, (tx) => removeTrigger(tx, id)))) {
        throw new DaybookError('E_NOT_FOUND', { what: 'trigger', got: id.slice(0, 100) });
      }
      return reply.code(204).send(null);
    },
  );

  const firing = (scope: ApiServer) =>
    scope.post(
      '/v1/triggers/:id',
      {
        config: { access: 'public', takesForms: true },
        schema: {
          ...{ operationId: 'fireTrigger', tags },
          summary: 'Start what the secret address stands for; what is sent along is not read',
          description: 'Repeats within a second start it once.',
          params: z.object({ id: z.string() }),
          response: { 202: z.object({ accepted: z.literal(true) }), ...PROBLEMS },
        },
      },
      async (request, reply) => {
        const hash = triggerHash(request.params.id);
        const found =
          hash === null
            ? null
            : await database.asSystem((tx) => findTrigger(tx, hash), { readOnly: true });
        if (found === null) {
          // Guessing is bounded by address, as it is with API keys.
          await spendOne(deps, reply, `address:${request.ip}`, 'this address');
          throw new DaybookError('E_NOT_FOUND', { what: 'trigger', got: 'of that address' });
        }
        await spendOne(deps, reply, `trigger:${found.id}`, 'this trigger');
        if (await fire(found)) deps.wake();
        return reply
          .code(202)
          .header('cache-control', 'no-store')
          .send({ accepted: true as const });
      },
    );

  // Whatever a sender sends along: it is taken, bounded, and dropped.
  server.register(async (scope: ApiServer) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, async () => null);
    firing(scope);
  });

  /** False: it did less than a second ago. */
  async function fire({ tenantId, id }: { tenantId: string; id: string }): Promise<boolean> {
    const tenant = await database.asSystem((tx) => requireTenant(tx, tenantId));
    return database.asTenant(tenantId, async (tx) => {
      const fired = await fireTrigger(tx, id);
      if (fired === null) return false;
      // It acts as who made it: when that one may no longer, nothing goes out.
      const by = fired.createdBy;
      if (fired.connectorId !== null) {
        const { connectorId } = fired;
        await queueConnectorRun(tx, { tenantId, connectorId, cause: 'trigger', by });
      } else if (fired.scheduleId !== null) {
        await runScheduleNow(tx, fired.scheduleId, { tenant, owner: by, now: deps.now() });
      }
      return true;
    });
  }
}

function view(trigger: Trigger): z.infer<typeof TriggerView> {
  return {
    id: trigger.id,
    name: trigger.name,
    connector: trigger.connectorId,
    schedule: trigger.scheduleId,
    created_by: trigger.createdBy,
    created_at: trigger.createdAt.toISOString(),
    fires: trigger.fires,
    last_fired_at: trigger.lastFiredAt?.toISOString() ?? null,
  };
}
