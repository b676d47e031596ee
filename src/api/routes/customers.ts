import { z } from 'zod';
import {
  addCustomer,
  CUSTOMER_STATUSES,
  type Customer,
  changeCustomer,
  listCustomers,
  requireCustomer,
} from '../../store/customers.ts';
import { actorOf } from '../access.ts';
import { IdempotencyKey } from '../idempotency-key.ts';
import { createOnce } from '../once.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { KeyPage, KeyText, orNull, pageOf, TitleText } from './sales-schemas.ts';

/** A tenant's customers; each is a payer of the same key. */

const CustomerView = z.object({
  key: z.string(),
  title: z.string(),
  email: orNull(z.string()),
  status: z.enum(CUSTOMER_STATUSES).describe('expired: a trial that is over.'),
  trial_until: orNull(z.string()),
  created_by: z.string(),
  created_at: z.string(),
});
const Email = z.email().max(320);
const MOST_TRIAL_DAYS = 366;

export function customerRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/customers',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'listCustomers',
        tags: ['sales'],
        summary: 'Customers, by key',
        headers: TENANT_HEADERS,
        querystring: KeyPage.extend({ status: z.enum(CUSTOMER_STATUSES).optional() }),
        response: {
          200: z.object({ items: z.array(CustomerView), next_after: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { after, limit, status } = request.query;
      const page = { tenantId: tenant.id, afterKey: after, limit: limit + 1, status };
      const found = await database.asTenant(tenant.id, (tx) => listCustomers(tx, page));
      const { items, next_after } = pageOf(found, limit, ({ key }) => key);
      return { items: items.map(view), next_after };
    },
  );

  server.post(
    '/v1/customers',
    {
      config: { access: 'sales.write' },
      schema: {
        operationId: 'addCustomer',
        tags: ['sales'],
        summary: 'Add a customer, on trial for some days or not',
        headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
        body: z.strictObject({
          key: KeyText,
          title: TitleText.optional(),
          email: Email.optional(),
          trial_days: z.int().min(1).max(MOST_TRIAL_DAYS).optional(),
        }),
        response: { 201: CustomerView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: createdBy } = actorOf(request);
      const { key, title = key, email = null, trial_days: trialDays = null } = request.body;
      return createOnce(request, reply, database, 'customers', async (tx) =>
        view(
          await addCustomer(tx, { tenantId: tenant.id, key, title, email, trialDays, createdBy }),
        ),
      );
    },
  );

  server.get(
    '/v1/customers/:key',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'getCustomer',
        tags: ['sales'],
        summary: 'One customer',
        headers: TENANT_HEADERS,
        params: z.object({ key: z.string() }),
        response: { 200: CustomerView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { key } = request.params;
      return view(await database.asTenant(tenant.id, (tx) => requireCustomer(tx, tenant.id, key)));
    },
  );

  server.patch(
    '/v1/customers/:key',
    {
      config: { access: 'sales.write' },
      schema: {
        operationId: 'changeCustomer',
        tags: ['sales'],
        summary: 'Change a customer; close it, or make one on trial active',
        headers: TENANT_HEADERS,
        params: z.object({ key: z.string() }),
        body: z.strictObject({
          title: TitleText.optional(),
          email: orNull(Email).optional(),
          status: z.enum(['active', 'closed']).optional(),
        }),
        response: { 200: CustomerView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { title, email, status: state } = request.body;
      const change = { tenantId: tenant.id, key: request.params.key, title, email, state };
      return view(await database.asTenant(tenant.id, (tx) => changeCustomer(tx, change)));
    },
  );
}

function view(customer: Customer): z.infer<typeof CustomerView> {
  return {
    key: customer.key,
    title: customer.title,
    email: customer.email,
    status: customer.status,
    trial_until: customer.trialUntil?.toISOString() ?? null,
    created_by: customer.createdBy,
    created_at: customer.createdAt.toISOString(),
  };
}
