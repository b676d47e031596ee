import { createHash } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { type Principal, principalName, worksOn } from '../principals/principal.ts';
import { authenticateApiKey } from '../store/api-keys.ts';
import type { Database, Tx } from '../store/database.ts';
import { isOperator, membershipsOf } from '../store/members.ts';
import { findTenant, type Tenant } from '../store/tenants.ts';
import type { TokenVerifier } from './supabase-token.ts';

/** Who a request comes from, and for which tenant it acts. */

export interface Actor {
  readonly principal: Principal;
  /** As records name it. */
  readonly name: string;
  readonly tenant: Tenant;
}

/** How long an API key may still work after it was revoked. */
const REMEMBERED_MS = 5_000;
const REMEMBERED_MOST = 10_000;

/**
 * Makes the function that turns the headers `Authorization` and `X-Daybook-Tenant` into an actor.
 * @throws (the function) DaybookError `E_UNAUTHENTICATED`; `E_USAGE` when the tenant must be
 * chosen; `E_NOT_FOUND` for a tenant that is unknown or not the principal's, alike; `E_FORBIDDEN`
 * for a user of no tenant.
 */
export function createAuthenticator(options: {
  database: Database;
  verifyToken: TokenVerifier | null;
  now: () => number;
}): (authorization: string | undefined, tenant: string | undefined) => Promise<Actor> {
  const { database, verifyToken, now } = options;
  const remembered = new Map<string, { actor: Actor; until: number }>();

  async function actorOfKey(token: string, chosen: string | undefined): Promise<Actor> {
    // Only a hash of the token is kept in memory.
    const memory = createHash('sha256')
      .update(`${token}\n${chosen ?? ''}`)
      .digest('base64');
    const known = remembered.get(memory);
    if (known && known.until > now()) return known.actor;
    remembered.delete(memory);
    const actor = await database.asSystem(
      async (tx) => {
        const key = await authenticateApiKey(tx, token);
        if (!key) throw badToken();
        return actingFor(tx, { kind: 'key', ...key }, chosen);
      },
      { prepared: true },
    );
    if (remembered.size >= REMEMBERED_MOST) remembered.clear();
    remembered.set(memory, { actor, until: now() + REMEMBERED_MS });
    return actor;
  }

  async function actorOfUser(token: string, chosen: string | undefined): Promise<Actor> {
    const userId = await verifyToken?.(token);
    if (!userId) throw badToken();
    return database.asSystem((tx) => actingUser(tx, userId, chosen));
  }

  return async (authorization, chosen) => {
    const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      throw new DaybookError('E_UNAUTHENTICATED', {
        reason: 'Authorization: expected "Bearer" with an API key or a user\'s token',
      });
    }
    if (chosen !== undefined && !/^[0-9A-Za-z-]{1,63}$/.test(chosen)) throw unknownTenant(chosen);
    return token.startsWith('dbk_') ? actorOfKey(token, chosen) : actorOfUser(token, chosen);
  };
}

async function actingUser(tx: Tx, userId: string, chosen: string | undefined): Promise<Actor> {
  const memberships = await membershipsOf(tx, userId);
  const operator = await isOperator(tx, userId);
  const tenant = chosen === undefined ? null : await findTenant(tx, chosen);
  const membership =
    chosen === undefined && memberships.length === 1
      ? memberships[0]
      : memberships.find((each) => each.tenantId === tenant?.id);
  if (membership) {
    const { tenantId, roles } = membership;
    return actingFor(tx, { kind: 'member', userId, tenantId, roles }, chosen);
  }
  if (operator) return actingFor(tx, { kind: 'operator', userId }, chosen);
  if (chosen !== undefined) throw unknownTenant(chosen);
  if (memberships.length > 0) throw tenantWanted(memberships.map((each) => each.tenantName));
  throw new DaybookError('E_FORBIDDEN', {
    who: `member:${userId}`,
    action: 'act for any tenant',
    expected: 'a membership',
  });
}

async function actingFor(tx: Tx, principal: Principal, chosen: string | undefined): Promise<Actor> {
  const own = principal.kind === 'operator' ? null : principal.tenantId;
  const wanted = chosen ?? own;
  if (wanted === null) throw tenantWanted([]);
  const tenant = await findTenant(tx, wanted);
  if (!tenant || !worksOn(principal, tenant.id)) throw unknownTenant(wanted);
  return { principal, name: principalName(principal), tenant };
}

function badToken(): DaybookError {
  return new DaybookError('E_UNAUTHENTICATED', {
    reason: 'Authorization: the token is unknown, expired, revoked or not meant for here',
    token: 'bad',
  });
}

function unknownTenant(got: string): DaybookError {
  return new DaybookError('E_NOT_FOUND', {
    what: 'tenant',
    got: JSON.stringify(got.slice(0, 100)),
  });
}

function tenantWanted(names: readonly string[]): DaybookError {
  return new DaybookError('E_USAGE', {
    where: 'X-Daybook-Tenant',
    got: 'nothing',
    expected: names.length > 0 ? `one of ${names.join(', ')}` : 'the name or id of a tenant',
  });
}
