import { z } from 'zod';
import { webhookSecretText } from '../../delivery/webhook/standard-webhooks.ts';
import { DaybookError } from '../../errors.ts';
import { parseAllowedDomains } from '../../reports/mail-address.ts';
import { LOOK_UP } from '../../store/database.ts';
import {
  changeDeliverySettings,
  type DeliverySettings,
  readDeliverySettings,
  rotateWebhookKey,
} from '../../store/delivery-settings.ts';
import { liftSuppression, listSuppressions } from '../../store/suppressions.ts';
import { actorOf } from '../access.ts';
import { isUuid } from '../uuid.ts';
import { isoOrNull } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** What a tenant wants of its deliveries, its webhook key, and who gets nothing any more. */

const SettingsView = z.object({
  allowed_domains: z.union([z.array(z.string()), z.null()]).describe('null: any.'),
  hold_ambiguous: z
    .boolean()
    .describe('What may have arrived waits for a person instead of being sent once more.'),
  link_days: z.number(),
  max_attachment_bytes: z.number().describe('Of a message as it is sent, encoded.'),
});

const SuppressionView = z.object({
  id: z.string(),
  recipient: z.string(),
  schedule_id: z.union([z.string(), z.null()]).describe('null: of every schedule.'),
  reason: z.enum(['unsubscribed', 'bounced']),
  detail: z.union([z.string(), z.null()]),
  created_at: z.union([z.string(), z.null()]),
});

export function deliverySettingsRoutes({ server, deps }: RouteContext): void {
  const { database } = deps;
  const tags = ['deliveries'];
  const headers = TENANT_HEADERS;

  server.get(
    '/v1/delivery-settings',
    {
      config: { access: 'deliveries.read' },
      schema: {
        ...{ operationId: 'getDeliverySettings', tags, headers },
        summary: 'How the tenant wants its deliveries',
        response: { 200: SettingsView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      return viewSettings(await database.asTenant(tenant.id, readDeliverySettings, LOOK_UP));
    },
  );

  server.patch(
    '/v1/delivery-settings',
    {
      config: { access: 'deliveries.manage' },
      schema: {
        ...{ operationId: 'changeDeliverySettings', tags, headers },
        summary: 'Change what is given, keep the rest',
        description: 'Domains are checked when something is sent, also what was scheduled before.',
        body: z.strictObject({
          allowed_domains: z.union([z.array(z.string().max(255)).max(500), z.null()]).optional(),
          hold_ambiguous: z.boolean().optional(),
          link_days: z.number().int().min(1).max(90).optional(),
          max_attachment_bytes: z.number().int().min(0).max(100_000_000).optional(),
        }),
        response: { 200: SettingsView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: by } = actorOf(request);
      const { allowed_domains: domains, ...rest } = request.body;
      const to = {
        ...(domains === undefined
          ? {}
          : { allowedDomains: domains && parseAllowedDomains(domains, 'allowed_domains') }),
        ...(rest.hold_ambiguous === undefined ? {} : { holdAmbiguous: rest.hold_ambiguous }),
        ...(rest.link_days === undefined ? {} : { linkDays: rest.link_days }),
        ...(rest.max_attachment_bytes === undefined
          ? {}
          : { maxAttachmentBytes: rest.max_attachment_bytes }),
      };
      const changed = await database.asTenant(tenant.id, (tx) =>
        changeDeliverySettings(tx, { tenantId: tenant.id, by, to }),
      );
      return viewSettings(changed);
    },
  );

  const KeyView = z.object({
    key: z.string().describe('`whsec_…`, for the receiver.'),
    number: z.number(),
  });
  const keyOf = (tenantId: string, { webhookKey: number }: DeliverySettings) => ({
    key: webhookSecretText(deps.keys.keyFor('webhook', tenantId, String(number))),
    number,
  });

  server.get(
    '/v1/delivery-settings/webhook-key',
    {
      config: { access: 'deliveries.manage' },
      schema: {
        ...{ operationId: 'getWebhookKey', tags, headers },
        summary: 'The key that signs webhooks (Standard Webhooks)',
        response: { 200: KeyView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      return keyOf(tenant.id, await database.asTenant(tenant.id, readDeliverySettings));
    },
  );

  server.post(
    '/v1/delivery-settings/webhook-key',
    {
      config: { access: 'deliveries.manage' },
      schema: {
        ...{ operationId: 'rotateWebhookKey', tags, headers },
        summary: 'Sign with a new key; for a day with the one before as well',
        response: { 201: KeyView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: by } = actorOf(request);
      const rotated = await database.asTenant(tenant.id, (tx) =>
        rotateWebhookKey(tx, tenant.id, by),
      );
      return reply.code(201).send(keyOf(tenant.id, rotated));
    },
  );

  server.get(
    '/v1/suppressions',
    {
      config: { access: 'deliveries.read' },
      schema: {
        ...{ operationId: 'listSuppressions', tags, headers },
        summary: 'Who gets nothing any more: unsubscribed, or no such mailbox',
        response: { 200: z.object({ items: z.array(SuppressionView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const found = await database.asTenant(tenant.id, listSuppressions);
      return {
        items: found.map(({ id, recipient, scheduleId, reason, detail, createdAt }) => ({
          ...{ id, recipient, schedule_id: scheduleId, reason, detail },
          created_at: isoOrNull(createdAt),
        })),
      };
    },
  );

  server.delete(
    '/v1/suppressions/:id',
    {
      config: { access: 'deliveries.manage' },
      schema: {
        ...{ operationId: 'liftSuppression', tags, headers },
        summary: 'Let a recipient get mails again, at its own wish',
        params: z.object({ id: z.string() }),
        response: { 204: z.null().describe('Lifted.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      const lifted =
        isUuid(id) && (await database.asTenant(tenant.id, (tx) => liftSuppression(tx, id)));
      if (!lifted) {
        throw new DaybookError('E_NOT_FOUND', { what: 'suppression', got: id.slice(0, 100) });
      }
      return reply.code(204).send(null);
    },
  );
}

function viewSettings(settings: DeliverySettings): z.infer<typeof SettingsView> {
  return {
    allowed_domains: settings.allowedDomains && [...settings.allowedDomains],
    hold_ambiguous: settings.holdAmbiguous,
    link_days: settings.linkDays,
    max_attachment_bytes: settings.maxAttachmentBytes,
  };
}
