import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** Who pays: the tenant itself or a customer of it. All functions work within a tenant. */

export interface Payer {
  /** Names the payer in charges and in the ledger; never changes. */
  readonly key: string;
  readonly kind: 'tenant' | 'customer';
  readonly title: string;
  readonly createdAt: Date;
}

const LONGEST = 200;
const SELECT = 'select key, kind, title, created_at as "createdAt" from daybook.payers';

/**
 * The tenant as a payer of its own, made where it is not there yet; its key is the tenant's name.
 * A customer that bears that name already leaves the key `tenant:<name>` to it.
 */
export async function ensureOwnPayer(tx: Tx, tenantId: string): Promise<Payer> {
  await tx.run(
    `insert into daybook.payers (tenant_id, key, kind, title)
     select t.id, case when exists (
         select from daybook.payers p where p.tenant_id = t.id and p.key = t.name)
       then 'tenant:' || t.name else t.name end, 'tenant', t.title
     from daybook.tenants t where t.id = $1
     on conflict (tenant_id) where kind = 'tenant' do nothing`,
    [tenantId],
  );
  const [own] = await tx.query<Payer>(`${SELECT} where tenant_id = $1 and kind = 'tenant'`, [
    tenantId,
  ]);
  return own;
}

/**
 * Adds a customer as a payer; one that is there keeps its key and gets this title.
 * @throws DaybookError `E_INVALID`; `E_CONFLICT` when the key is the tenant's own
 */
export async function putPayer(
  tx: Tx,
  payer: { readonly tenantId: string; readonly key: string; readonly title?: string },
): Promise<Payer> {
  const key = parseName(payer.key, 'key');
  const title = parseName(payer.title ?? payer.key, 'title');
  const [put] = await tx.query<Payer>(
    `insert into daybook.payers as p (tenant_id, key, kind, title) values ($1, $2, 'customer', $3)
     on conflict (tenant_id, key) do update set title = excluded.title where p.kind = 'customer'
     returning key, kind, title, created_at as "createdAt"`,
    [payer.tenantId, key, title],
  );
  if (put) return put;
  throw new DaybookError('E_CONFLICT', { where: 'key', reason: `${key} is the tenant itself` });
}

export async function findPayer(tx: Tx, tenantId: string, key: string): Promise<Payer | null> {
  const [payer] = await tx.query<Payer>(`${SELECT} where tenant_id = $1 and key = $2`, [
    tenantId,
    key,
  ]);
  return payer ?? null;
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requirePayer(tx: Tx, tenantId: string, key: string): Promise<Payer> {
  const payer = await findPayer(tx, tenantId, key);
  if (!payer) throw new DaybookError('E_NOT_FOUND', { what: 'payer', got: key || '""' });
  return payer;
}

/** By key, in code-point order. */
export async function listPayers(tx: Tx, tenantId: string): Promise<Payer[]> {
  return tx.query<Payer>(`${SELECT} where tenant_id = $1 order by key`, [tenantId]);
}

function parseName(text: string, where: string): string {
  const name = text.trim();
  if (name !== '' && name.length <= LONGEST && !/\p{Cc}/u.test(name)) return name;
  throw new DaybookError('E_INVALID', {
    where,
    got: JSON.stringify(text.slice(0, LONGEST)),
    expected: `1 to ${LONGEST} characters, none of them a control character`,
  });
}
