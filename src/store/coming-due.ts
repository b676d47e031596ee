import type { ComingDue } from '../reports/demand-of-schedules.ts';
import type { Tx } from './database.ts';

/**
 * By tenant, the active schedules that are next due until then (UTC epoch ms), overdue ones too.
 * System transaction.
 */
export async function listComingDue(
  tx: Tx,
  of: { readonly until: number; readonly tenantId?: string | undefined },
): Promise<ReadonlyMap<string, readonly ComingDue[]>> {
  const rows = await tx.query<ComingDue & { readonly tenantId: string }>(
    `select tenant_id as "tenantId", spec, next_nominal as nominal
     from daybook.schedules
     where state = 'active' and removed_at is null
       and next_due <= timestamptz 'epoch' + $1::float8 * interval '1 millisecond'
       and ($2::uuid is null or tenant_id = $2)
     order by tenant_id, next_due, id`,
    [of.until, of.tenantId ?? null],
  );
  const byTenant = new Map<string, ComingDue[]>();
  for (const { tenantId, ...due } of rows) {
    const others = byTenant.get(tenantId);
    if (others) others.push(due);
    else byTenant.set(tenantId, [due]);
  }
  return byTenant;
}
