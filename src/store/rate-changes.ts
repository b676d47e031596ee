import type { Tx } from './database.ts';

/** The record of what changed in plans, rates, rules and assignments; within a tenant. */

/** Notes a change; calls that could not be rated are tried again after it. Returns its version. */
export async function noteRateChange(
  tx: Tx,
  change: { readonly tenantId: string; readonly what: string; readonly changedBy: string },
): Promise<number> {
  // Changes of a tenant take turns, so that versions are without holes and never collide.
  await tx.run(`select pg_advisory_xact_lock(hashtextextended('daybook rate change ' || $1, 0))`, [
    change.tenantId,
  ]);
  const [{ version }] = await tx.query<{ version: number }>(
    `insert into daybook.rate_changes (tenant_id, version, what, changed_by)
     select $1, coalesce(max(version), 0) + 1, $2, $3
     from daybook.rate_changes where tenant_id = $1
     returning version::float8 as version`,
    [change.tenantId, change.what, change.changedBy],
  );
  return version;
}

/** 0: nothing was ever changed, so nothing is rated. */
export async function latestRateChange(tx: Tx, tenantId: string): Promise<number> {
  const [{ version }] = await tx.query<{ version: number }>(
    `select coalesce(max(version), 0)::float8 as version
     from daybook.rate_changes where tenant_id = $1`,
    [tenantId],
  );
  return version;
}
