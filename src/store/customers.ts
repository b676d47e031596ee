import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';
import { putPayer } from './payers.ts';

/** A tenant's customers. Each is a payer of the same key. All functions work within a tenant. */

export const CUSTOMER_STATUSES = ['trial', 'active', 'expired', 'closed'] as const;
/** `expired`: a trial that is over. */
export type CustomerStatus = (typeof CUSTOMER_STATUSES)[number];

export interface Customer {
  readonly key: string;
  readonly title: string;
  readonly email: string | null;
  /** Now, by the database's clock. */
  readonly status: CustomerStatus;
  /** Null: it never was on trial. */
  readonly trialUntil: Date | null;
  readonly createdBy: string;
  readonly createdAt: Date;
}

const STATUS = `case when c.state = 'trial' and c.trial_until <= now() then 'expired' else c.state end`;
const COLUMNS = `c.key, c.title, c.email, ${STATUS} as status, c.trial_until as "trialUntil",
  c.created_by as "createdBy", c.created_at as "createdAt"`;

/**
 * @param customer.trialDays null: it is a customer from the start
 * @throws DaybookError `E_INVALID`; `E_CONFLICT` when there is one of that key
 */
export async function addCustomer(
  tx: Tx,
  customer: {
    readonly tenantId: string;
    readonly key: string;
    readonly title: string;
    readonly email: string | null;
    readonly trialDays: number | null;
    readonly createdBy: string;
  },
): Promise<Customer> {
  const payer = await putPayer(tx, customer);
  const added = await tx.run(
    `insert into daybook.customers (tenant_id, key, title, email, state, trial_until, created_by)
     values ($1, $2, $3, $4, case when $5::integer is null then 'active' else 'trial' end,
       now() + make_interval(days => $5), $6)
     on conflict (tenant_id, key) do nothing`,
    [
      customer.tenantId,
      payer.key,
      payer.title,
      customer.email,
      customer.trialDays,
      customer.createdBy,
    ],
  );
  if (added === 0) {
    const reason = `there is a customer ${payer.key} already`;
    throw new DaybookError('E_CONFLICT', { where: 'key', reason });
  }
  return requireCustomer(tx, customer.tenantId, payer.key);
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function changeCustomer(
  tx: Tx,
  change: {
    readonly tenantId: string;
    readonly key: string;
    readonly title?: string;
    readonly email?: string | null;
    /** A trial that is made `active` is over as a trial. */
    readonly state?: 'active' | 'closed';
  },
): Promise<Customer> {
  await requireCustomer(tx, change.tenantId, change.key);
  if (change.title !== undefined) {
    await putPayer(tx, { tenantId: change.tenantId, key: change.key, title: change.title });
  }
  await tx.run(
    `update daybook.customers set title = coalesce($3, title), state = coalesce($4, state),
       email = case when $5 then $6 else email end
     where tenant_id = $1 and key = $2`,
    [
      change.tenantId,
      change.key,
      change.title?.trim() ?? null,
      change.state ?? null,
      change.email !== undefined,
      change.email ?? null,
    ],
  );
  return requireCustomer(tx, change.tenantId, change.key);
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireCustomer(tx: Tx, tenantId: string, key: string): Promise<Customer> {
  const [found] = await tx.query<Customer>(
    `select ${COLUMNS} from daybook.customers c where c.tenant_id = $1 and c.key = $2`,
    [tenantId, key],
  );
  if (!found) throw new DaybookError('E_NOT_FOUND', { what: 'customer', got: key });
  return found;
}

/** By key, after `afterKey`. */
export async function listCustomers(
  tx: Tx,
  page: {
    readonly tenantId: string;
    readonly afterKey: string;
    readonly limit: number;
    readonly status?: CustomerStatus;
  },
): Promise<Customer[]> {
  return tx.query<Customer>(
    `select ${COLUMNS} from daybook.customers c
     where c.tenant_id = $1 and c.key > $2 and ($3::text is null or ${STATUS} = $3)
     order by c.key limit $4`,
    [page.tenantId, page.afterKey, page.status ?? null, page.limit],
  );
}
