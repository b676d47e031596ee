import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import type { Tx } from '../../store/database.ts';
import { type DeliveryRow, findDelivery } from '../../store/deliveries.ts';
import { listAttempts } from '../../store/delivery-attempts.ts';
import {
  CANCELLABLE,
  cancelDelivery,
  RESENDABLE,
  resendDelivery,
} from '../../store/delivery-moves.ts';
import { revokeLinks } from '../../store/download-links.ts';
import { actorOf } from '../access.ts';
import { AttemptView, viewAttempt } from '../attempt-view.ts';
import { DeliveryView, viewDelivery } from '../schedule-views.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** A delivery: what became of it, sending again what failed, calling off what waits. */

const Params = z.object({ id: z.string() });

export function deliveryRoutes({ server, deps }: RouteContext): void {
  const { database } = deps;

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

async function requireDelivery(tx: Tx, id: string): Promise<DeliveryRow> {
  const found = isUuid(id) ? await findDelivery(tx, id) : null;
  if (!found) throw new DaybookError('E_NOT_FOUND', { what: 'delivery', got: id.slice(0, 100) });
  return found;
}

function wrongState(state: string, what: string, possible: readonly string[]): DaybookError {
  return new DaybookError('E_CONFLICT', {
    where: 'state',
    reason: `the delivery is ${state}; only one that is ${possible.join(' or ')} can be ${what}`,
  });
}
