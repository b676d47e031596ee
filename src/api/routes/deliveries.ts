import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import type { Tx } from '../../store/database.ts';
import { listAttempts } from '../../store/delivery-attempts.ts';
import {
  CANCELLABLE,
  cancelDelivery,
  findListedDelivery,
  type ListedDelivery,
  listDeliveries,
  RESENDABLE,
  resendDelivery,
} from '../../store/delivery-list.ts';
import { revokeLinks } from '../../store/download-links.ts';
import { actorOf } from '../access.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import {
  AttemptView,
  DELIVERY_STATES,
  DeliveryView,
  viewAttempt,
  viewDelivery,
} from '../delivery-view.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { PageQuery } from './exports.ts';

/** Deliveries: what was owed to whom, what became of it, and sending again what failed. */

const Params = z.object({ id: z.string() });

export function deliveryRoutes({ server, deps }: RouteContext): void {
  const { database } = deps;

  server.get(
    '/v1/deliveries',
    {
      config: { access: 'deliveries.read' },
      schema: {
        operationId: 'listDeliveries',
        tags: ['deliveries'],
        summary: 'Deliveries, newest first',
        headers: TENANT_HEADERS,
        querystring: PageQuery.extend({
          state: z.enum(DELIVERY_STATES).optional(),
          schedule: z.uuid().optional(),
          occurrence: z.uuid().optional(),
          file: z.uuid().optional(),
        }),
        response: {
          200: z.object({
            items: z.array(DeliveryView),
            next_cursor: z.union([z.string(), z.null()]),
          }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor, state, schedule, occurrence, file } = request.query;
      const page = {
        ...{ limit, state, cursor: readCursor(cursor) },
        ...{ scheduleId: schedule, occurrenceId: occurrence, reportFileId: file },
      };
      const { deliveries, next } = await database.asTenant(tenant.id, (tx) =>
        listDeliveries(tx, page),
      );
      return { items: deliveries.map(viewDelivery), next_cursor: writeCursor(next) };
    },
  );

  server.get(
    '/v1/deliveries/:id',
    {
      config: { access: 'deliveries.read' },
      schema: {
        operationId: 'getDelivery',
        tags: ['deliveries'],
        summary: 'A delivery with all its attempts',
        headers: TENANT_HEADERS,
        params: Params,
        response: {
          200: DeliveryView.extend({ attempt_log: z.array(AttemptView) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      return database.asTenant(tenant.id, async (tx) => {
        const delivery = await requireDelivery(tx, request.params.id);
        const attempts = await listAttempts(tx, delivery.id);
        return { ...viewDelivery(delivery), attempt_log: attempts.map(viewAttempt) };
      });
    },
  );

  server.post(
    '/v1/deliveries/:id/resend',
    {
      config: { access: 'deliveries.send' },
      schema: {
        operationId: 'resendDelivery',
        tags: ['deliveries'],
        summary: 'Send again what failed or is held',
        description:
          'The same sealed bytes to the same recipient, under a new Message-ID. What was sent is ' +
          'refused: nobody gets it twice by a slip. Rights, domains and unsubscriptions are ' +
          'checked again.',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 202: DeliveryView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const resent = await database.asTenant(tenant.id, async (tx) => {
        const { id, state } = await requireDelivery(tx, request.params.id);
        if (!(await resendDelivery(tx, id))) throw wrongState(state, 'sent again', RESENDABLE);
        return requireDelivery(tx, id);
      });
      deps.wake();
      return reply.code(202).send(viewDelivery(resent));
    },
  );

  server.post(
    '/v1/deliveries/:id/cancel',
    {
      config: { access: 'deliveries.send' },
      schema: {
        operationId: 'cancelDelivery',
        tags: ['deliveries'],
        summary: 'Call off what was not sent; links to its file end',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: DeliveryView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      return database.asTenant(tenant.id, async (tx) => {
        const { id, state } = await requireDelivery(tx, request.params.id);
        if (!(await cancelDelivery(tx, id))) throw wrongState(state, 'called off', CANCELLABLE);
        await revokeLinks(tx, id);
        return viewDelivery(await requireDelivery(tx, id));
      });
    },
  );
}

async function requireDelivery(tx: Tx, id: string): Promise<ListedDelivery> {
  const found = isUuid(id) ? await findListedDelivery(tx, id) : null;
  if (!found) throw new DaybookError('E_NOT_FOUND', { what: 'delivery', got: id.slice(0, 100) });
  return found;
}

function wrongState(state: string, what: string, possible: readonly string[]): DaybookError {
  return new DaybookError('E_CONFLICT', {
    where: 'state',
    reason: `the delivery is ${state}; only one that is ${possible.join(' or ')} can be ${what}`,
  });
}
