import type { Config } from '../config.ts';
import { openInstallationKeys } from '../delivery/installation-secret.ts';
import type { Database } from '../store/database.ts';
import { createTenantSource, type TenantSource } from './tenant-source.ts';

/** The rows of all tenants, with the secret and the rules of this installation. Must be closed. */
export function tenantSourceOf(
  config: Pick<Config, 'home' | 'secret' | 'privateTargets'>,
  database: Database,
): TenantSource {
  return createTenantSource({
    database,
    openKeys: () => openInstallationKeys(config.home, config.secret),
    privateTargets: config.privateTargets,
  });
}
