import { DaybookError } from '../errors.ts';
import { ROLES, type Role } from '../principals/principal.ts';
import type { Tx } from './database.ts';

/** Who belongs to a tenant, by the user id of the sign-in provider, and who operates all of them. */

export interface Member {
  readonly tenantId: string;
  readonly userId: string;
  readonly email: string | null;
  readonly roles: readonly Role[];
  readonly createdAt: Date;
}

/** Adds a member, or gives a present one these roles (and this address, if given) instead. */
export async function addMember(
  tx: Tx,
  member: {
    readonly tenantId: string;
    readonly userId: string;
    readonly email?: string | null;
    readonly roles: readonly string[];
  },
): Promise<void> {
  await tx.run(
    `insert into daybook.members (tenant_id, user_id, email, roles) values ($1, $2, $3, $4)
     on conflict (tenant_id, user_id)
     do update set roles = excluded.roles, email = coalesce(excluded.email, members.email)`,
    [member.tenantId, member.userId, member.email ?? null, parseRoles(member.roles)],
  );
}

/** @throws DaybookError `E_NOT_FOUND` when the user is no member. */
export async function removeMember(tx: Tx, tenantId: string, userId: string): Promise<void> {
  const removed = await tx.run(
    'delete from daybook.members where tenant_id = $1 and user_id = $2',
    [tenantId, userId],
  );
  if (removed === 0) throw new DaybookError('E_NOT_FOUND', { what: 'member', got: userId });
}

/** Oldest first. */
export async function listMembers(tx: Tx, tenantId: string): Promise<Member[]> {
  return tx.query<Member & { roles: Role[] }>(
    `select tenant_id as "tenantId", user_id as "userId", email, roles, created_at as "createdAt"
     from daybook.members where tenant_id = $1 order by created_at, user_id`,
    [tenantId],
  );
}

/** The tenants of a user, by name. Needs a system transaction. */
export async function membershipsOf(
  tx: Tx,
  userId: string,
): Promise<{ tenantId: string; tenantName: string; roles: Role[] }[]> {
  return tx.query(
    `select m.tenant_id as "tenantId", t.name as "tenantName", m.roles
     from daybook.members m join daybook.tenants t on t.id = m.tenant_id
     where m.user_id = $1 order by t.name collate "C"`,
    [userId],
  );
}

/** Needs a system transaction. */
export async function addOperator(tx: Tx, userId: string, email: string | null): Promise<void> {
  await tx.run(
    `insert into daybook.operators (user_id, email) values ($1, $2)
     on conflict (user_id) do update set email = coalesce(excluded.email, operators.email)`,
    [userId, email],
  );
}

/** Needs a system transaction. */
export async function isOperator(tx: Tx, userId: string): Promise<boolean> {
  return (await tx.query('select from daybook.operators where user_id = $1', [userId])).length > 0;
}

function parseRoles(roles: readonly string[]): Role[] {
  const known = ROLES.filter((role) => roles.includes(role));
  const unknown = roles.find((role) => !known.some((each) => each === role));
  if (unknown === undefined && known.length > 0) return known;
  throw new DaybookError('E_INVALID', {
    where: 'roles',
    got: unknown === undefined ? 'none' : JSON.stringify(unknown),
    expected: `one or more of ${ROLES.join(', ')}`,
  });
}
