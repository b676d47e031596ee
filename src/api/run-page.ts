import type { Database } from '../store/database.ts';
import { findFilesOfRuns } from '../store/files.ts';
import { listRuns } from '../store/runs.ts';
import type { Tenant } from '../store/tenants.ts';
import { writeCursor } from './cursor.ts';
import { viewRun } from './views.ts';

/** A page of a tenant's runs, newest first, as the API shows them. */
export function pageOfRuns(
  database: Database,
  tenant: Tenant,
  page: Parameters<typeof listRuns>[1],
  now: () => number,
) {
  return database.asTenant(
    tenant.id,
    async (tx) => {
      const { runs, next } = await listRuns(tx, page);
      const files = await findFilesOfRuns(
        tx,
        runs.map(({ id }) => id),
      );
      return {
        items: runs.map((run) => viewRun(run, files.get(run.id) ?? null, tenant, now())),
        next_cursor: writeCursor(next),
      };
    },
    { readOnly: true, prepared: true },
  );
}
