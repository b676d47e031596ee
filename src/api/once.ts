import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Tx } from '../store/database.ts';
import { onceByKey } from '../store/idempotency.ts';
import { actorOf } from './access.ts';
import type { ApiDeps } from './deps.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';

/**
 * Answers 201 with what `effect` made, in one transaction; the same `Idempotency-Key` and body again
 * get the same answer, and nothing is made twice.
 */
export async function createOnce<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  database: ApiDeps['database'],
  what: string,
  effect: (tx: Tx) => Promise<T>,
): Promise<T> {
  const { tenant, name: principal } = actorOf(request);
  const key = idempotencyKeyOf(request.headers['idempotency-key']);
  const answer = await database.asTenant(tenant.id, async (tx) => {
    if (key === null) return { body: await effect(tx), replayed: false };
    return onceByKey(
      tx,
      { tenantId: tenant.id, principal, key, request: [what, request.body] },
      async () => ({ status: 201, body: await effect(tx) }),
    );
  });
  if (answer.replayed) reply.header('idempotency-replayed', 'true');
  reply.code(201);
  return answer.body as T;
}
