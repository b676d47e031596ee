import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** What a tenant sells, by `sku`. All functions work within a tenant. */

export interface Product {
  readonly sku: string;
  readonly title: string;
  /** Of one; exact text. */
  readonly listPrice: string;
  readonly currency: string;
  /** A licence comes with it. */
  readonly licensed: boolean;
  /** How long the licence runs; null: without end. */
  readonly licenceDays: number | null;
  /** It may be proposed. */
  readonly active: boolean;
  readonly changedBy: string;
  readonly changedAt: Date;
}

const COLUMNS = `sku, title, list_price::text as "listPrice", currency, licensed,
  licence_days as "licenceDays", active, changed_by as "changedBy", changed_at as "changedAt"`;

/** Adds a product, or changes it; what was proposed and sold stays as it was. */
export async function putProduct(
  tx: Tx,
  tenantId: string,
  product: Omit<Product, 'changedAt'>,
): Promise<Product> {
  const [put] = await tx.query<Product>(
    `insert into daybook.products as p (tenant_id, sku, title, list_price, currency, licensed,
       licence_days, active, changed_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (tenant_id, sku) do update
     set title = excluded.title, list_price = excluded.list_price, currency = excluded.currency,
       licensed = excluded.licensed, licence_days = excluded.licence_days, active = excluded.active,
       changed_by = excluded.changed_by, changed_at = now()
     returning ${COLUMNS}`,
    [
      tenantId,
      product.sku,
      product.title,
      product.listPrice,
      product.currency,
      product.licensed,
      product.licenceDays,
      product.active,
      product.changedBy,
    ],
  );
  return put;
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireProduct(tx: Tx, tenantId: string, sku: string): Promise<Product> {
  const [found] = await tx.query<Product>(
    `select ${COLUMNS} from daybook.products where tenant_id = $1 and sku = $2`,
    [tenantId, sku],
  );
  if (!found) throw new DaybookError('E_NOT_FOUND', { what: 'product', got: sku });
  return found;
}

/** By sku, after `afterSku`. */
export async function listProducts(
  tx: Tx,
  page: { readonly tenantId: string; readonly afterSku: string; readonly limit: number },
): Promise<Product[]> {
  return tx.query<Product>(
    `select ${COLUMNS} from daybook.products where tenant_id = $1 and sku > $2 order by sku limit $3`,
    [page.tenantId, page.afterSku, page.limit],
  );
}

/** All of them, those too that are not proposed any more. */
export async function listSkus(tx: Tx, tenantId: string): Promise<string[]> {
  const rows = await tx.query<{ sku: string }>(
    'select sku from daybook.products where tenant_id = $1 order by sku',
    [tenantId],
  );
  return rows.map(({ sku }) => sku);
}
