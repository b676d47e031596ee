import { toDaybookError } from '../../errors.ts';
import type { Database } from '../../store/database.ts';
import { withLease } from '../../store/leases.ts';
import { requireTenant, type Tenant } from '../../store/tenants.ts';

const LEASE_SECONDS = 60;

export interface TenantFailure {
  readonly tenant: string;
  readonly reason: string;
}

/**
 * Tenants one after another, under a lease; a failure of one leaves the others, and is told. Without
 * tenants no lease is taken. Null: another process is at it.
 * @throws what `signal` was aborted with
 */
export async function eachTenant(
  ids: readonly string[],
  of: { readonly database: Database; readonly lease: string; readonly holder: string },
  work: (tenant: Tenant, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<TenantFailure[] | null> {
  if (ids.length === 0) return [];
  const { database, lease: name, holder } = of;
  return withLease(database, { name, holder, seconds: LEASE_SECONDS }, async (held) => {
    const stop = AbortSignal.any([signal, held.signal]);
    const failures: TenantFailure[] = [];
    for (const id of ids) {
      stop.throwIfAborted();
      try {
        await work(await database.asSystem((tx) => requireTenant(tx, id)), stop);
      } catch (error) {
        stop.throwIfAborted();
        failures.push({ tenant: id, reason: toDaybookError(error).message });
      }
    }
    return failures;
  });
}
