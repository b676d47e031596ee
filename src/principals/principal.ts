import type { Scope } from './permissions.ts';

/** Who acts. Made by the store or a verified token, then only judged by `permissions.ts`. */

export const ROLES = ['owner', 'admin', 'analyst', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** A user within one tenant. */
export interface MemberPrincipal {
  readonly kind: 'member';
  readonly userId: string;
  readonly tenantId: string;
  readonly roles: readonly Role[];
}

/** An API key; without a tenant it is an operator's, for every tenant. */
export interface KeyPrincipal {
  readonly kind: 'key';
  readonly keyId: string;
  readonly tenantId: string | null;
  readonly scopes: readonly Scope[];
}

/** Who runs this Daybook; also its command line. */
export interface OperatorPrincipal {
  readonly kind: 'operator';
  readonly userId: string;
}

export type Principal = MemberPrincipal | KeyPrincipal | OperatorPrincipal;

/** How records name a principal: `member:<user>`, `key:<id>` or `operator:<user>`. */
export function principalName(principal: Principal): string {
  return `${principal.kind}:${principal.kind === 'key' ? principal.keyId : principal.userId}`;
}

/** The tenant that a principal is bound to; null: none, it works on any. */
export function tenantOf(principal: Principal): string | null {
  return principal.kind === 'operator' ? null : principal.tenantId;
}

/** Whether a principal may touch this tenant at all; what it may do there, `may` tells. */
export function worksOn(principal: Principal, tenantId: string): boolean {
  const own = tenantOf(principal);
  return own === null || own === tenantId;
}
