import { type Config, configFromProcess } from '../config.ts';
import type { Database, Tx } from '../store/database.ts';
import { LOCAL_OPERATOR } from '../store/owners.ts';
import { requireTenant, type Tenant } from '../store/tenants.ts';
import { untilInterrupted } from './interrupts.ts';
import { withDatabase } from './session.ts';
import type { TenantOptions } from './tenant-subcommand.ts';

/** What a command of one tenant works with. Whoever has this machine is an operator. */
export interface TenantSession {
  readonly tenant: Tenant;
  /** As records name who did it. */
  readonly name: string;
  readonly database: Database;
  readonly config: Config;
  readonly signal: AbortSignal;
}

/**
 * Opens the database for the length of `work`.
 * @param tenant name or id
 * @throws DaybookError `E_NOT_FOUND`
 */
export function withTenant<T>(
  tenant: string,
  work: (session: TenantSession) => Promise<T>,
): Promise<T> {
  const config = configFromProcess();
  return untilInterrupted((signal) =>
    withDatabase(config, async ({ database }) => {
      const found = await database.asSystem((tx) => requireTenant(tx, tenant));
      return work({ tenant: found, name: LOCAL_OPERATOR, database, config, signal });
    }),
  );
}

/** Work in one transaction of the tenant. @throws DaybookError `E_NOT_FOUND` */
export function inTenant<T>(
  { tenant }: Pick<TenantOptions, 'tenant'>,
  work: (tx: Tx, tenant: Tenant) => Promise<T>,
): Promise<T> {
  return withTenant(tenant, ({ database, tenant: found }) =>
    database.asTenant(found.id, (tx) => work(tx, found)),
  );
}
