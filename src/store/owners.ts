import type { Scope } from '../principals/permissions.ts';
import { type Principal, principalName, type Role } from '../principals/principal.ts';
import type { Tx } from './database.ts';

/** One principal of one tenant, by the name that records bear. */
export interface OwnerName {
  readonly tenantId: string;
  /** Such as `member:…`, `key:…`, `operator:…`. */
  readonly owner: string;
}

/**
 * Who the owners are now, by tenant and name: with the roles and scopes that they have at this
 * moment. One who left, whose key was revoked or has expired, or who is no operator any more is
 * missing. The operator at this machine's command line always is one. System transaction.
 */
export async function findOwners(
  tx: Tx,
  names: readonly OwnerName[],
): Promise<ReadonlyMap<string, Principal>> {
  const rows = await tx.query<OwnerName & { roles: Role[] | null; scopes: Scope[] | null }>(
    `select n."tenantId", n."owner", m.roles, k.scopes
     from jsonb_to_recordset($1::jsonb) as n ("tenantId" uuid, "owner" text)
     left join daybook.members m on m.tenant_id = n."tenantId"
       and 'member:' || m.user_id = n."owner"
     left join daybook.api_keys k on 'key:' || k.id = n."owner"
       and (k.tenant_id is null or k.tenant_id = n."tenantId")
       and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
     left join daybook.operators o on 'operator:' || o.user_id = n."owner"
     where m.user_id is not null or k.id is not null or o.user_id is not null
       or n."owner" = '${LOCAL_OPERATOR}'`,
    [JSON.stringify(names)],
  );
  return new Map(rows.map((row) => [ownerKey(row), principalOf(row)]));
}

export function ownerKey({ tenantId, owner }: OwnerName): string {
  return `${tenantId}/${owner}`;
}

/** Who works at this machine. */
export const LOCAL_OPERATOR = principalName({ kind: 'operator', userId: 'cli' });

function principalOf(
  row: OwnerName & { readonly roles: Role[] | null; readonly scopes: Scope[] | null },
): Principal {
  const id = row.owner.slice(row.owner.indexOf(':') + 1);
  const { tenantId, roles, scopes } = row;
  if (roles !== null) return { kind: 'member', userId: id, tenantId, roles };
  if (scopes !== null) return { kind: 'key', keyId: id, tenantId, scopes };
  return { kind: 'operator', userId: id };
}
