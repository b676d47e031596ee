import { randomBytes } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** Keys that sign batches. Secrets are sealed before they come here, and never listed. */

export const INGEST_SCHEMES = ['standard', 'hmac', 'token'] as const;

export interface IngestKey {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  /** Who sends; ids of messages are unique within it. */
  readonly source: string;
  readonly scheme: (typeof INGEST_SCHEMES)[number];
  readonly header: string | null;
  readonly prefix: string;
  readonly idHeader: string | null;
  readonly datasets: readonly string[];
  /** Dataset → map, as it was given. */
  readonly maps: Readonly<Record<string, unknown>>;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
}

export type NewIngestKey = Omit<IngestKey, 'createdAt' | 'revokedAt' | 'lastUsedAt'> & {
  readonly sealedSecret: Buffer;
};

export function newIngestKeyId(): string {
  return `dbi_${randomBytes(8).toString('hex')}`;
}

const COLUMNS = `id, tenant_id as "tenantId", name, source, scheme, header, prefix,
  id_header as "idHeader", datasets, maps, created_by as "createdBy", created_at as "createdAt",
  expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"`;

export async function insertIngestKey(tx: Tx, key: NewIngestKey): Promise<void> {
  await tx.run(
    `insert into daybook.ingest_keys (id, tenant_id, name, source, scheme, sealed_secret, header,
       prefix, id_header, datasets, maps, created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      key.id,
      key.tenantId,
      key.name,
      key.source,
      key.scheme,
      key.sealedSecret,
      key.header,
      key.prefix,
      key.idHeader,
      key.datasets,
      JSON.stringify(key.maps),
      key.createdBy,
      key.expiresAt,
    ],
  );
}

/** Newest first. */
export async function listIngestKeys(tx: Tx, tenantId: string): Promise<IngestKey[]> {
  return tx.query<IngestKey>(
    `select ${COLUMNS} from daybook.ingest_keys where tenant_id = $1 order by created_at desc, id`,
    [tenantId],
  );
}

/**
 * From this commit on it signs nothing, and within 5 s everywhere; twice keeps the first time.
 * @throws DaybookError `E_NOT_FOUND`
 */
export async function revokeIngestKey(tx: Tx, tenantId: string, id: string): Promise<void> {
  const revoked = await tx.run(
    `update daybook.ingest_keys set revoked_at = coalesce(revoked_at, now())
     where tenant_id = $1 and id = $2`,
    [tenantId, id],
  );
  if (revoked === 0) throw new DaybookError('E_NOT_FOUND', { what: 'ingest key', got: id });
}

/**
 * Other maps for batches that are not loaded yet, those that failed for their map included.
 * @throws DaybookError `E_NOT_FOUND`
 */
export async function setIngestMaps(
  tx: Tx,
  of: { readonly tenantId: string; readonly id: string; readonly maps: object },
): Promise<void> {
  const changed = await tx.run(
    'update daybook.ingest_keys set maps = $3 where tenant_id = $1 and id = $2',
    [of.tenantId, of.id, JSON.stringify(of.maps)],
  );
  if (changed === 0) throw new DaybookError('E_NOT_FOUND', { what: 'ingest key', got: of.id });
}

export interface SealedIngestKey extends IngestKey {
  readonly sealedSecret: Buffer;
  /** Neither revoked nor expired, by the database's clock. */
  readonly isUsable: boolean;
  readonly tenantName: string;
}

/** Whose key it is, whatever its state; null: nobody's. System transaction. */
export async function findIngestKey(tx: Tx, id: string): Promise<SealedIngestKey | null> {
  const [key] = await tx.query<SealedIngestKey>(
    `select k.id, k.tenant_id as "tenantId", k.name, k.source, k.scheme, k.header, k.prefix,
       k.id_header as "idHeader", k.datasets, k.maps, k.created_by as "createdBy",
       k.created_at as "createdAt", k.expires_at as "expiresAt", k.revoked_at as "revokedAt",
       k.last_used_at as "lastUsedAt", k.sealed_secret as "sealedSecret", t.name as "tenantName",
       k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) as "isUsable"
     from daybook.ingest_keys k join daybook.tenants t on t.id = k.tenant_id where k.id = $1`,
    [id],
  );
  return key ?? null;
}

/** At most once a minute. */
export async function noteIngestKeyUse(tx: Tx, tenantId: string, id: string): Promise<void> {
  await tx.run(
    `update daybook.ingest_keys set last_used_at = now()
     where tenant_id = $1 and id = $2
       and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [tenantId, id],
  );
}
