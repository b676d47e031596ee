import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { ACTIONS, may } from '../../principals/permissions.ts';
import { type Principal, ROLES, type Role } from '../../principals/principal.ts';
import { LOOK_UP } from '../../store/database.ts';
import { addMember, listMembers, type Member, removeMember } from '../../store/members.ts';
import { actorOf } from '../access.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Who belongs to a tenant, by the user id of the sign-in provider. */

const MemberView = z.object({
  user_id: z.string(),
  email: z.union([z.string(), z.null()]),
  roles: z.array(z.enum(ROLES)),
  created_at: z.string(),
});

export function memberRoutes({ server, deps: { database } }: RouteContext): void {
  server.get(
    '/v1/members',
    {
      config: { access: 'members.read' },
      schema: {
        operationId: 'listMembers',
        tags: ['members'],
        summary: "The tenant's members",
        headers: TENANT_HEADERS,
        response: { 200: z.object({ items: z.array(MemberView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const members = await database.asTenant(
        tenant.id,
        (tx) => listMembers(tx, tenant.id),
        LOOK_UP,
      );
      return {
        items: members.map(viewMember),
      };
    },
  );

  server.post(
    '/v1/members',
    {
      config: { access: 'members.manage' },
      schema: {
        operationId: 'addMember',
        tags: ['members'],
        summary: 'Add a member, or give one these roles instead',
        headers: TENANT_HEADERS,
        body: z.strictObject({
          user_id: z.uuid().describe('Of the sign-in provider.'),
          roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
          email: z.email().max(320).optional(),
        }),
        response: { 200: MemberView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant, principal, name } = actorOf(request);
      const { roles, email } = request.body;
      const userId = request.body.user_id.toLowerCase();
      demandRolesWithin(principal, name, tenant.id, roles);
      return database.asTenant(tenant.id, async (tx) => {
        const present = await memberOf(tx, tenant.id, userId);
        if (present) demandRolesWithin(principal, name, tenant.id, present.roles);
        await addMember(tx, { tenantId: tenant.id, userId, email, roles });
        const added = await memberOf(tx, tenant.id, userId);
        if (!added) throw new DaybookError('E_NOT_FOUND', { what: 'member', got: userId });
        return viewMember(added);
      });
    },
  );

  server.delete(
    '/v1/members/:user_id',
    {
      config: { access: 'members.manage' },
      schema: {
        operationId: 'removeMember',
        tags: ['members'],
        summary: 'Remove a member',
        headers: TENANT_HEADERS,
        params: z.object({ user_id: z.string() }),
        response: { 204: z.null().describe('Removed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, principal, name } = actorOf(request);
      const userId = request.params.user_id.toLowerCase();
      if (!isUuid(userId)) throw new DaybookError('E_NOT_FOUND', { what: 'member', got: userId });
      await database.asTenant(tenant.id, async (tx) => {
        const present = await memberOf(tx, tenant.id, userId);
        if (present) demandRolesWithin(principal, name, tenant.id, present.roles);
        await removeMember(tx, tenant.id, userId);
      });
      return reply.code(204).send(null);
    },
  );
}

function viewMember(member: Member): z.infer<typeof MemberView> {
  return {
    user_id: member.userId,
    email: member.email,
    roles: [...member.roles],
    created_at: member.createdAt.toISOString(),
  };
}

async function memberOf(tx: Parameters<typeof listMembers>[0], tenantId: string, userId: string) {
  return (await listMembers(tx, tenantId)).find((member) => member.userId === userId);
}

/**
 * Nobody gives, or takes from a member, rights beyond their own; an owner's role is an owner's or
 * operator's to give.
 * @throws DaybookError `E_FORBIDDEN`.
 */
function demandRolesWithin(
  principal: Principal,
  name: string,
  tenantId: string,
  roles: readonly Role[],
): void {
  const rightsOf = (role: Role): Principal => ({
    kind: 'member',
    userId: '',
    tenantId,
    roles: [role],
  });
  const beyond = roles.filter(
    (role) =>
      (role === 'owner' && principal.kind === 'member' && !principal.roles.includes('owner')) ||
      (role === 'owner' && principal.kind === 'key' && principal.tenantId !== null) ||
      ACTIONS.some((action) => may(rightsOf(role), action) && !may(principal, action)),
  );
  if (beyond.length === 0) return;
  throw new DaybookError('E_FORBIDDEN', {
    who: name,
    action: `give or take the role ${beyond.join(', ')}`,
    expected: 'that role or an operator',
  });
}
