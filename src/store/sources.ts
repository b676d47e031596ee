import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/**
 * Foreign databases that rows are read from. A tenant's own are seen in its transactions, those of
 * the operator in system transactions alone. Credentials are sealed before they come here.
 */

export const SOURCE_KINDS = ['postgres', 'mongodb', 'supabase'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** `any`: an operator said where it stands; `public`: a tenant did, and may not reach inside. */
export type Reach = 'any' | 'public';

export interface SourceRow {
  readonly id: string;
  /** Null: the operator's, for bindings of any tenant. */
  readonly tenantId: string | null;
  readonly name: string;
  readonly kind: SourceKind;
  readonly settings: Readonly<Record<string, string>>;
  /** Under which secret of the installation its credentials were sealed. */
  readonly keyId: string;
  readonly reach: Reach;
  /** Counts changes. */
  readonly version: number;
  readonly createdBy: string;
  /** UTC epoch ms. */
  readonly createdAt: number;
}

export interface SealedCredentials {
  readonly bytes: Buffer;
  readonly keyId: string;
}

export interface NewSource {
  readonly id: string;
  readonly tenantId: string | null;
  readonly name: string;
  readonly kind: SourceKind;
  readonly settings: Readonly<Record<string, string>>;
  readonly credentials: SealedCredentials;
  readonly reach: Reach;
  readonly createdBy: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const SOURCE_COLUMNS = `s.id, s.tenant_id as "tenantId", s.name, s.kind, s.settings,
  s.key_id as "keyId", s.reach, s.version, s.created_by as "createdBy",
  floor(extract(epoch from s.created_at) * 1000)::float8 as "createdAt"`;

/** @throws DaybookError `E_CONFLICT` when the name is taken */
export async function insertSource(tx: Tx, source: NewSource): Promise<SourceRow> {
  const { credentials } = source;
  const [added] = await tx.query<SourceRow>(
    `insert into daybook.sources as s
       (id, tenant_id, name, kind, settings, credentials, key_id, reach, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (scope, name) do nothing returning ${SOURCE_COLUMNS}`,
    [
      ...[source.id, source.tenantId, source.name, source.kind, JSON.stringify(source.settings)],
      ...[credentials.bytes, credentials.keyId, source.reach, source.createdBy],
    ],
  );
  if (added) return added;
  const reason = `there is a source ${source.name} already`;
  throw new DaybookError('E_CONFLICT', { where: 'name', reason });
}

/** Those of one tenant, or (null) of the operator; by name. */
export async function listSources(tx: Tx, tenantId: string | null): Promise<SourceRow[]> {
  return tx.query<SourceRow>(
    `select ${SOURCE_COLUMNS} from daybook.sources s
     where s.tenant_id is not distinct from $1::uuid order by s.name`,
    [tenantId],
  );
}

/** By name or id, among those of one tenant or (null) of the operator. */
export async function findSource(
  tx: Tx,
  tenantId: string | null,
  nameOrId: string,
): Promise<SourceRow | null> {
  const column = UUID.test(nameOrId) ? 'id' : 'name';
  const [found] = await tx.query<SourceRow>(
    `select ${SOURCE_COLUMNS} from daybook.sources s
     where s.tenant_id is not distinct from $1::uuid and s.${column} = $2`,
    [tenantId, nameOrId],
  );
  return found ?? null;
}

/** Where it stands and how it is entered; whoever changed it says how far it may reach. */
export async function changeSource(
  tx: Tx,
  id: string,
  to: Pick<NewSource, 'settings' | 'credentials' | 'reach'>,
): Promise<SourceRow | null> {
  const { settings, credentials, reach } = to;
  const [changed] = await tx.query<SourceRow>(
    `update daybook.sources as s set settings = $2, credentials = $3, key_id = $4, reach = $5,
       version = version + 1, changed_at = now()
     where id = $1 returning ${SOURCE_COLUMNS}`,
    [id, JSON.stringify(settings), credentials.bytes, credentials.keyId, reach],
  );
  return changed ?? null;
}

/** @throws DaybookError `E_CONFLICT` while something is bound to it */
export async function removeSource(tx: Tx, id: string): Promise<boolean> {
  const removed = await tx.run(
    `delete from daybook.sources s where s.id = $1
       and not exists (select from daybook.source_bindings b where b.source_id = s.id)`,
    [id],
  );
  if (removed === 1) return true;
  const [there] = await tx.query('select from daybook.sources where id = $1', [id]);
  if (!there) return false;
  const reason = 'rows are still read from it; remove its bindings first';
  throw new DaybookError('E_CONFLICT', { where: 'source', reason });
}

/** System transaction: credentials are never read in a tenant's. */
export async function readCredentials(tx: Tx, id: string): Promise<SealedCredentials | null> {
  const [row] = await tx.query<SealedCredentials>(
    'select credentials as bytes, key_id as "keyId" from daybook.sources where id = $1',
    [id],
  );
  return row ?? null;
}
