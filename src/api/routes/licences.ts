import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import {
  grantTrialLicence,
  type Licence,
  listLicences,
  revokeLicence,
} from '../../store/licences.ts';
import { actorOf } from '../access.ts';
import { IdempotencyKey } from '../idempotency-key.ts';
import { createOnce } from '../once.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { KeyPage, KeyText, orNull, pageOf, QuantityText } from './sales-schemas.ts';

/** Licences of customers: those of trials are given here, the others by approved proposals. */

const LicenceView = z.object({
  id: z.string(),
  customer: z.string(),
  sku: z.string(),
  seats: z.string(),
  status: z.enum(['active', 'expired', 'revoked']),
  valid_from: z.string(),
  valid_until: orNull(z.string()).describe('null: without end.'),
  proposal: orNull(z.string()).describe('null: of a trial.'),
  granted_by: z.string(),
});

export function licenceRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/licences',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'listLicences',
        tags: ['sales'],
        summary: 'Licences, of one customer or of all',
        headers: TENANT_HEADERS,
        querystring: KeyPage.extend({ customer: z.string().max(200).optional() }),
        response: {
          200: z.object({ items: z.array(LicenceView), next_after: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { after, limit, customer = null } = request.query;
      if (after !== '' && !isUuid(after)) {
        const expected = 'the next_after of an earlier page';
        throw new DaybookError('E_INVALID', { where: 'after', got: after, expected });
      }
      const page = { tenantId: tenant.id, customer, afterId: after || null, limit: limit + 1 };
      const found = await database.asTenant(tenant.id, (tx) => listLicences(tx, page));
      const { items, next_after } = pageOf(found, limit, ({ id }) => id);
      return { items: items.map(view), next_after };
    },
  );

  server.post(
    '/v1/licences',
    {
      config: { access: 'sales.write' },
      schema: {
        operationId: 'grantTrialLicence',
        tags: ['sales'],
        summary: 'Give a customer on trial a licence until its trial ends',
        headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
        body: z.strictObject({
          customer: KeyText,
          sku: KeyText,
          seats: QuantityText.default('1'),
        }),
        response: { 201: LicenceView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: grantedBy } = actorOf(request);
      return createOnce(request, reply, database, 'licences', async (tx) =>
        view(await grantTrialLicence(tx, { ...request.body, tenantId: tenant.id, grantedBy })),
      );
    },
  );

  server.delete(
    '/v1/licences/:id',
    {
      config: { access: 'sales.write' },
      schema: {
        operationId: 'revokeLicence',
        tags: ['sales'],
        summary: 'Revoke a licence; it stays in the list as revoked',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        response: { 204: z.null().describe('Revoked.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: revokedBy } = actorOf(request);
      const { id } = request.params;
      if (!isUuid(id)) throw new DaybookError('E_NOT_FOUND', { what: 'licence', got: id });
      const licence = { tenantId: tenant.id, id, revokedBy };
      await database.asTenant(tenant.id, (tx) => revokeLicence(tx, licence));
      return reply.code(204).send(null);
    },
  );
}

function view(licence: Licence): z.infer<typeof LicenceView> {
  return {
    id: licence.id,
    customer: licence.customer,
    sku: licence.sku,
    seats: licence.seats,
    status: licence.status,
    valid_from: licence.validFrom.toISOString(),
    valid_until: licence.validUntil?.toISOString() ?? null,
    proposal: licence.proposalId,
    granted_by: licence.grantedBy,
  };
}
