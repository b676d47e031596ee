import type { FastifyRequest } from 'fastify';
import { may } from '../principals/permissions.ts';
import { actorOf } from './access.ts';

/** Who acts on sources, as the request says. */
export function sourceActorOf(request: FastifyRequest) {
  const { principal, name, tenant } = actorOf(request);
  return { tenantId: tenant.id, name, isOperator: may(principal, 'tenants.manage') };
}
