import { z } from 'zod';
import { checkRawRecipients } from '../../delivery/check-recipient.ts';
import { demandReport } from '../../principals/permissions.ts';
import { LOOK_UP } from '../../store/database.ts';
import { readDeliverySettings } from '../../store/delivery-settings.ts';
import { onceByKey } from '../../store/idempotency.ts';
import {
  addSchedule,
  editSchedule,
  removeNamedSchedule,
  runScheduleNow,
  type Saving,
  setScheduleState,
} from '../../store/save-schedule.ts';
import { listSchedules, requireSchedule } from '../../store/schedules.ts';
import { actorOf } from '../access.ts';
import type { Actor } from '../authenticate.ts';
import { IdempotencyKey, idempotencyKeyOf } from '../idempotency-key.ts';
import { ScheduleView, viewSchedule } from '../schedule-views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { ScheduleBody, ScheduleChangeBody } from './schedule-body.ts';

/** A tenant's schedules. They are known by id or name. */

const Params = z.object({ id: z.string().describe('Id or name.') });
const KEYED = TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey });

export function scheduleRoutes({ server, deps }: RouteContext): void {
  const { database, now } = deps;
  const saving = ({ tenant, name }: Actor): Saving => ({ tenant, owner: name, now: now() });
  /** Outside of any transaction: names are looked up. */
  const demandReachable = async (tenantId: string, recipients: unknown): Promise<void> => {
    const { allowedDomains } = await database.asTenant(tenantId, readDeliverySettings);
    const { privateTargets } = deps;
    await checkRawRecipients(recipients, { allowedDomains, privateTargets });
  };

  server.get(
    '/v1/schedules',
    {
      config: { access: 'schedules.read' },
      schema: {
        operationId: 'listSchedules',
        tags: ['schedules'],
        summary: 'Schedules, by name',
        headers: TENANT_HEADERS,
        response: { 200: z.object({ items: z.array(ScheduleView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const schedules = await database.asTenant(tenant.id, listSchedules, LOOK_UP);
      return { items: schedules.map(viewSchedule) };
    },
  );

  server.post(
    '/v1/schedules',
    {
      config: { access: 'schedules.manage' },
      schema: {
        operationId: 'createSchedule',
        tags: ['schedules'],
        summary: 'Save a schedule',
        headers: KEYED,
        body: ScheduleBody,
        response: { 201: ScheduleView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const actor = actorOf(request);
      const key = idempotencyKeyOf(request.headers['idempotency-key']);
      demandReport(actor.principal, request.body.report, 'create');
      await demandReachable(actor.tenant.id, request.body.recipients);
      const answer = await database.asTenant(actor.tenant.id, async (tx) => {
        const effect = async () => {
          const saved = await addSchedule(tx, request.body, saving(actor));
          return { status: 201, body: viewSchedule(saved) };
        };
        if (key === null) return { ...(await effect()), replayed: false };
        const { tenant, name: principal } = actor;
        const asked = { tenantId: tenant.id, principal, key, request: ['schedules', request.body] };
        return onceByKey(tx, asked, effect);
      });
      const saved = answer.body as ScheduleView;
      if (answer.replayed) reply.header('idempotency-replayed', 'true');
      return reply.code(201).header('location', `/v1/schedules/${saved.id}`).send(saved);
    },
  );

  server.get(
    '/v1/schedules/:id',
    {
      config: { access: 'schedules.read' },
      schema: {
        operationId: 'getSchedule',
        tags: ['schedules'],
        summary: 'A schedule, and when it is due next',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: ScheduleView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      return viewSchedule(await database.asTenant(tenant.id, (tx) => requireSchedule(tx, id)));
    },
  );

  server.patch(
    '/v1/schedules/:id',
    {
      config: { access: 'schedules.manage' },
      schema: {
        operationId: 'editSchedule',
        tags: ['schedules'],
        summary: 'Change a schedule; what is planned already stays as it was planned',
        headers: TENANT_HEADERS,
        params: Params,
        body: ScheduleChangeBody,
        response: { 200: ScheduleView, ...PROBLEMS },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const { id } = request.params;
      await demandReachable(actor.tenant.id, request.body.recipients);
      const saved = await database.asTenant(actor.tenant.id, async (tx) => {
        const { spec } = await requireSchedule(tx, id);
        const { report = spec.report } = request.body as { report?: string | null };
        for (const each of [spec.report, report]) {
          if (each) demandReport(actor.principal, each, 'create');
        }
        return editSchedule(tx, id, request.body, saving(actor));
      });
      return viewSchedule(saved);
    },
  );

  server.delete(
    '/v1/schedules/:id',
    {
      config: { access: 'schedules.manage' },
      schema: {
        operationId: 'removeSchedule',
        tags: ['schedules'],
        summary: 'Remove a schedule; what it sent stays on record',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 204: z.null().describe('Removed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      await database.asTenant(tenant.id, (tx) => removeNamedSchedule(tx, id));
      return reply.code(204).send(null);
    },
  );

  for (const [verb, state] of [
    ['pause', 'paused'],
    ['resume', 'active'],
  ] as const) {
    server.post(
      `/v1/schedules/:id/${verb}`,
      {
        config: { access: 'schedules.manage' },
        schema: {
          operationId: `${verb}Schedule`,
          tags: ['schedules'],
          summary:
            verb === 'pause'
              ? 'Make nothing until it is resumed'
              : 'Go on; the pause is not made up for',
          headers: KEYED,
          params: Params,
          response: { 200: ScheduleView, ...PROBLEMS },
        },
      },
      async (request) => {
        const actor = actorOf(request);
        const { id } = request.params;
        const saved = await database.asTenant(actor.tenant.id, (tx) =>
          setScheduleState(tx, id, state, saving(actor)),
        );
        return viewSchedule(saved);
      },
    );
  }

  server.post(
    '/v1/schedules/:id/run',
    {
      config: { access: 'schedules.manage' },
      schema: {
        operationId: 'runSchedule',
        tags: ['schedules'],
        summary: 'Make and send it now, out of turn',
        headers: KEYED,
        params: Params,
        response: { 202: z.object({ occurrence: z.string() }), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const actor = actorOf(request);
      const { id } = request.params;
      const key = idempotencyKeyOf(request.headers['idempotency-key']);
      const answer = await database.asTenant(actor.tenant.id, async (tx) => {
        const effect = async () => {
          const { occurrenceId } = await runScheduleNow(tx, id, saving(actor));
          return { status: 202, body: { occurrence: occurrenceId } };
        };
        if (key === null) return { ...(await effect()), replayed: false };
        const { tenant, name: principal } = actor;
        const asked = { tenantId: tenant.id, principal, key, request: ['schedules', id, 'run'] };
        return onceByKey(tx, asked, effect);
      });
      if (answer.replayed) reply.header('idempotency-replayed', 'true');
      else deps.wake();
      return reply.code(202).send(answer.body as { occurrence: string });
    },
  );
}
