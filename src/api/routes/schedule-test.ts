import { z } from 'zod';
import { checkRecipient } from '../../delivery/check-recipient.ts';
import { DaybookError } from '../../errors.ts';
import { RECIPIENT_KINDS } from '../../reports/schedule-spec.ts';
import { findDelivery } from '../../store/deliveries.ts';
import { oweTest } from '../../store/delivery-moves.ts';
import { readDeliverySettings } from '../../store/delivery-settings.ts';
import { requireSchedule } from '../../store/schedules.ts';
import { actorOf } from '../access.ts';
import { DeliveryView, viewDelivery } from '../schedule-views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** A test: what a schedule made last, to one address that is named here and to nobody else. */
export function scheduleTestRoute({ server, deps }: RouteContext): void {
  const { database } = deps;

  server.post(
    '/v1/schedules/:id/test',
    {
      config: { access: 'deliveries.send' },
      schema: {
        operationId: 'testSchedule',
        tags: ['schedules'],
        summary: 'Send what the schedule made last to another recipient, marked as a test',
        description:
          'Nothing goes to the recipients of the schedule. Needs a file: where there is none yet, ' +
          'run the schedule first. Allowed domains hold for tests too.',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        body: z
          .strictObject({
            email: z.string().max(1_000).optional(),
            webhook: z.string().max(3_000).optional(),
            discord: z.string().max(3_000).optional(),
            slack: z.string().max(3_000).optional(),
          })
          .describe('One of them.'),
        response: { 202: DeliveryView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      const kinds = RECIPIENT_KINDS.filter((kind) => request.body[kind] !== undefined);
      const [kind] = kinds;
      if (kinds.length !== 1) {
        throw new DaybookError('E_INVALID', {
          where: 'body',
          got: kinds.join(' and ') || 'nothing',
          expected: `one of ${RECIPIENT_KINDS.join(', ')}`,
        });
      }
      const { schedule, settings } = await database.asTenant(tenant.id, async (tx) => ({
        schedule: await requireSchedule(tx, id),
        settings: await readDeliverySettings(tx),
      }));
      // Outside of any transaction: names are looked up.
      const recipient = await checkRecipient(
        { kind, recipient: request.body[kind] as string },
        kind,
        { privateTargets: deps.privateTargets, allowedDomains: settings.allowedDomains },
      );
      const owed = await database.asTenant(tenant.id, async (tx) => {
        const deliveryId = await oweTest(tx, { scheduleId: schedule.id, kind, recipient });
        return deliveryId === null ? null : findDelivery(tx, deliveryId);
      });
      if (!owed) {
        throw new DaybookError('E_CONFLICT', {
          where: 'schedule',
          reason: `${schedule.name} has made no file yet; run it first`,
        });
      }
      deps.wake();
      return reply.code(202).send(viewDelivery(owed));
    },
  );
}
