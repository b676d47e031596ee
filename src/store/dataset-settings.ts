import type { Tx } from './database.ts';
import { type MirrorLimits, USUAL_LIMITS } from './mirror-guard.ts';

/** What a tenant wants of the rows of a dataset. Tenant transactions. */
export interface DatasetSettings {
  readonly mirror: MirrorLimits;
  /** Rows whose sku is no product of the tenant's are refused. */
  readonly knownSkus: boolean;
}

export const USUAL_SETTINGS: DatasetSettings = { mirror: USUAL_LIMITS, knownSkus: false };

/** The usual ones where nothing was set. */
export async function readDatasetSettings(
  tx: Tx,
  tenantId: string,
  dataset: string,
): Promise<DatasetSettings> {
  const [row] = await tx.query<MirrorLimits & { knownSkus: boolean }>(
    `select mirror_delete_share::float8 as "deleteShare", mirror_delete_rows::float8 as "deleteRows",
       mirror_rejects::float8 as rejects, known_skus as "knownSkus"
     from daybook.dataset_settings where tenant_id = $1 and dataset = $2 order by id desc limit 1`,
    [tenantId, dataset],
  );
  if (!row) return USUAL_SETTINGS;
  const { knownSkus, ...mirror } = row;
  return { mirror, knownSkus };
}

export interface DatasetSettingsChange {
  readonly tenantId: string;
  readonly dataset: string;
  /** The principal, as records name it. */
  readonly by: string;
  /** What is given is changed, the rest stays. Values were checked before. */
  readonly mirror?: Partial<MirrorLimits>;
  readonly knownSkus?: boolean;
}

export async function changeDatasetSettings(
  tx: Tx,
  change: DatasetSettingsChange,
): Promise<DatasetSettings> {
  const { tenantId, dataset } = change;
  // One change after another: each sees the one before.
  await tx.query('select from daybook.tenants where id = $1 for update', [tenantId]);
  const before = await readDatasetSettings(tx, tenantId, dataset);
  const next = {
    mirror: { ...before.mirror, ...change.mirror },
    knownSkus: change.knownSkus ?? before.knownSkus,
  };
  await tx.run(
    `insert into daybook.dataset_settings (tenant_id, dataset, mirror_delete_share,
       mirror_delete_rows, mirror_rejects, known_skus, changed_by)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      tenantId,
      dataset,
      next.mirror.deleteShare,
      next.mirror.deleteRows,
      next.mirror.rejects,
      next.knownSkus,
      change.by,
    ],
  );
  return next;
}
