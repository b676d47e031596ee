import { DaybookError } from '../errors.ts';
import { demandReport } from '../principals/permissions.ts';
import type { Database } from '../store/database.ts';
import { type FileRow, findFileOfRun } from '../store/files.ts';
import { findRun, type RunRow } from '../store/runs.ts';
import type { Actor } from './authenticate.ts';
import { isUuid } from './uuid.ts';

/** Runs of one tenant by id. Another tenant's, unknown and impossible ids are told alike. */

export interface FoundRun {
  readonly run: RunRow;
  /** Of a run that is done. */
  readonly file: FileRow | null;
}

/** @throws DaybookError `E_NOT_FOUND`. */
export async function requireRun(
  database: Database,
  tenantId: string,
  id: string,
): Promise<FoundRun> {
  if (!isUuid(id)) throw unknownRun(id);
  return database.asTenant(
    tenantId,
    async (tx) => {
      const run = await findRun(tx, id);
      if (!run) throw unknownRun(id);
      return { run, file: run.state === 'done' ? await findFileOfRun(tx, id) : null };
    },
    { readOnly: true, prepared: true },
  );
}

/**
 * {@link requireRun} for who wants what it made.
 * @throws DaybookError `E_FORBIDDEN` for a report that takes more than the right to exports
 */
export async function readableRun(
  database: Database,
  { tenant, principal }: Actor,
  id: string,
): Promise<FoundRun> {
  const found = await requireRun(database, tenant.id, id);
  demandReport(principal, found.run.report, 'read');
  return found;
}

export function unknownRun(id: string): DaybookError {
  return new DaybookError('E_NOT_FOUND', {
    what: 'export',
    got: JSON.stringify(id.slice(0, 100)),
  });
}
