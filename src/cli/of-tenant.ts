import { Command } from 'commander';
import { configFromProcess } from '../config.ts';
import { DaybookError } from '../errors.ts';
import type { Tx } from '../store/database.ts';
import { requireTenant, type Tenant } from '../store/tenants.ts';
import { withDatabase } from './session.ts';

/** What commands about things of one tenant have in common. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export interface TenantOptions {
  readonly tenant: string;
  readonly json?: boolean;
}

/** A command with the flags of {@link TenantOptions}. */
export function ofTenant(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--tenant <tenant>', 'name or id')
    .option('--json', 'print one JSON document');
}

/** Work in a tenant transaction. */
export function inTenant<T>(
  options: TenantOptions,
  work: (tx: Tx, tenant: Tenant) => Promise<T>,
): Promise<T> {
  return withDatabase(configFromProcess(), async ({ database }) => {
    const tenant = await database.asSystem((tx) => requireTenant(tx, options.tenant));
    return database.asTenant(tenant.id, (tx) => work(tx, tenant));
  });
}

/** @throws DaybookError `E_NOT_FOUND`, as for an id that is nobody's */
export function idOf(what: string, text: string): string {
  if (UUID.test(text)) return text;
  throw new DaybookError('E_NOT_FOUND', { what, got: JSON.stringify(text.slice(0, 100)) });
}
