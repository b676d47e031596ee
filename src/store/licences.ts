import { DaybookError } from '../errors.ts';
import { requireCustomer } from './customers.ts';
import type { Tx } from './database.ts';
import { requireProduct } from './products.ts';

/** Licences of customers: of a trial, or activated by a proposal. All functions work within a tenant. */

export interface Licence {
  readonly id: string;
  readonly customer: string;
  readonly sku: string;
  /** Exact text. */
  readonly seats: string;
  /** Now, by the database's clock. */
  readonly status: 'active' | 'expired' | 'revoked';
  readonly validFrom: Date;
  /** Null: without end. */
  readonly validUntil: Date | null;
  /** Null: of a trial. */
  readonly proposalId: string | null;
  readonly grantedBy: string;
}

const COLUMNS = `l.id, l.customer, l.sku, l.seats::text,
  case when l.revoked_at is not null then 'revoked'
    when l.valid_until <= now() then 'expired' else 'active' end as status,
  l.valid_from as "validFrom", l.valid_until as "validUntil", l.proposal_id as "proposalId",
  l.granted_by as "grantedBy"`;

/**
 * Gives a customer on trial a licence until its trial ends.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` when it is on no trial, or the product has none
 */
export async function grantTrialLicence(
  tx: Tx,
  wanted: {
    readonly tenantId: string;
    readonly customer: string;
    readonly sku: string;
    readonly seats: string;
    readonly grantedBy: string;
  },
): Promise<Licence> {
  const { tenantId } = wanted;
  const customer = await requireCustomer(tx, tenantId, wanted.customer);
  const product = await requireProduct(tx, tenantId, wanted.sku);
  if (customer.status !== 'trial') {
    const reason = `${customer.key} is ${customer.status}; only who is on trial is given one, others by a proposal`;
    throw new DaybookError('E_CONFLICT', { where: 'customer', reason });
  }
  if (!product.licensed) {
    const reason = `no licence comes with ${product.sku}`;
    throw new DaybookError('E_CONFLICT', { where: 'sku', reason });
  }
  const [{ id }] = await tx.query<{ id: string }>(
    `insert into daybook.licences (tenant_id, customer, sku, seats, valid_from, valid_until, granted_by)
     select $1, c.key, $3, $4, now(), c.trial_until, $5
     from daybook.customers c where c.tenant_id = $1 and c.key = $2 returning id`,
    [tenantId, customer.key, product.sku, wanted.seats, wanted.grantedBy],
  );
  const [granted] = await tx.query<Licence>(
    `select ${COLUMNS} from daybook.licences l where l.tenant_id = $1 and l.id = $2`,
    [tenantId, id],
  );
  return granted;
}

/** @throws DaybookError `E_NOT_FOUND` when there is none that is not revoked */
export async function revokeLicence(
  tx: Tx,
  licence: { readonly tenantId: string; readonly id: string; readonly revokedBy: string },
): Promise<void> {
  const revoked = await tx.run(
    `update daybook.licences set revoked_by = $3, revoked_at = now()
     where tenant_id = $1 and id = $2 and revoked_at is null`,
    [licence.tenantId, licence.id, licence.revokedBy],
  );
  if (revoked === 0) throw new DaybookError('E_NOT_FOUND', { what: 'licence', got: licence.id });
}

/** By id, after `afterId`; of one customer where it is named. */
export async function listLicences(
  tx: Tx,
  page: {
    readonly tenantId: string;
    readonly customer: string | null;
    readonly afterId: string | null;
    readonly limit: number;
  },
): Promise<Licence[]> {
  return tx.query<Licence>(
    `select ${COLUMNS} from daybook.licences l
     where l.tenant_id = $1 and ($2::text is null or l.customer = $2)
       and ($3::uuid is null or l.id > $3) order by l.id limit $4`,
    [page.tenantId, page.customer, page.afterId, page.limit],
  );
}
