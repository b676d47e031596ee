import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { listProducts, type Product, putProduct, requireProduct } from '../../store/products.ts';
import { actorOf } from '../access.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import {
  AmountText,
  CurrencyText,
  KeyPage,
  KeyText,
  orNull,
  pageOf,
  TitleText,
} from './sales-schemas.ts';

/** What a tenant sells, at which list price, and whether a licence comes with it. */

const ProductView = z.object({
  sku: z.string(),
  title: z.string(),
  list_price: z.string().describe('Of one, exact.'),
  currency: z.string(),
  licensed: z.boolean(),
  licence_days: orNull(z.number()).describe('null: its licence has no end.'),
  active: z.boolean(),
  changed_by: z.string(),
  changed_at: z.string(),
});
const LONGEST_LICENCE_DAYS = 36_525;

export function productRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/products',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'listProducts',
        tags: ['sales'],
        summary: 'Products, by sku',
        headers: TENANT_HEADERS,
        querystring: KeyPage,
        response: {
          200: z.object({ items: z.array(ProductView), next_after: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { after, limit } = request.query;
      const page = { tenantId: tenant.id, afterSku: after, limit: limit + 1 };
      const found = await database.asTenant(tenant.id, (tx) => listProducts(tx, page));
      const { items, next_after } = pageOf(found, limit, ({ sku }) => sku);
      return { items: items.map(view), next_after };
    },
  );

  server.get(
    '/v1/products/:sku',
    {
      config: { access: 'sales.read' },
      schema: {
        operationId: 'getProduct',
        tags: ['sales'],
        summary: 'One product',
        headers: TENANT_HEADERS,
        params: z.object({ sku: z.string() }),
        response: { 200: ProductView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { sku } = request.params;
      return view(await database.asTenant(tenant.id, (tx) => requireProduct(tx, tenant.id, sku)));
    },
  );

  server.put(
    '/v1/products/:sku',
    {
      config: { access: 'sales.write' },
      schema: {
        operationId: 'putProduct',
        tags: ['sales'],
        summary: 'Add a product or change it; what was proposed keeps its price',
        headers: TENANT_HEADERS,
        params: z.object({ sku: KeyText }),
        body: z.strictObject({
          title: TitleText,
          list_price: AmountText,
          currency: CurrencyText,
          licensed: z.boolean().default(false),
          licence_days: z.int().min(1).max(LONGEST_LICENCE_DAYS).optional(),
          active: z.boolean().default(true),
        }),
        response: { 200: ProductView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, name: changedBy } = actorOf(request);
      const { title, list_price: listPrice, currency, licensed, active } = request.body;
      const { licence_days: licenceDays = null } = request.body;
      if (!licensed && licenceDays !== null) {
        throw new DaybookError('E_INVALID', {
          where: 'licence_days',
          got: licenceDays,
          expected: 'none, or licensed true',
        });
      }
      const { sku } = request.params;
      const product = { sku, title, listPrice, currency, licensed, licenceDays, active, changedBy };
      return view(await database.asTenant(tenant.id, (tx) => putProduct(tx, tenant.id, product)));
    },
  );
}

function view(product: Product): z.infer<typeof ProductView> {
  return {
    sku: product.sku,
    title: product.title,
    list_price: product.listPrice,
    currency: product.currency,
    licensed: product.licensed,
    licence_days: product.licenceDays,
    active: product.active,
    changed_by: product.changedBy,
    changed_at: product.changedAt.toISOString(),
  };
}
