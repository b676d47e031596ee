import { createHash } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** `Idempotency-Key`: the same key and request of one principal have one effect and one answer. */

export interface StoredAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface IdempotentRequest {
  readonly tenantId: string;
  /** Name of the principal: two principals' equal keys are different keys. */
  readonly principal: string;
  readonly key: string;
  /** Whatever decides the effect: route and body, as JSON values. */
  readonly request: unknown;
}

/**
 * Runs `effect` once per key and keeps its answer in the same transaction, so that neither stands
 * without the other. A second request with the key waits for the first one's commit.
 * @throws DaybookError `E_CONFLICT` when the key came before with another request.
 */
export async function onceByKey(
  tx: Tx,
  request: IdempotentRequest,
  effect: () => Promise<StoredAnswer>,
): Promise<StoredAnswer & { replayed: boolean }> {
  const hash = hashOf(request.request);
  const where = [request.tenantId, request.principal, request.key];
  const inserted = await tx.run(
    `insert into daybook.idempotency_keys (tenant_id, principal, key, request_sha256)
     values ($1, $2, $3, $4) on conflict (tenant_id, principal, key) do nothing`,
    [...where, hash],
  );
  if (inserted === 0) return { ...(await earlierAnswer(tx, where, hash)), replayed: true };

  const answer = await effect();
  // As the table gives it back, so that the first answer is byte for byte the later ones.
  const [kept] = await tx.query<{ status: number; body: unknown }>(
    `update daybook.idempotency_keys set status = $4, body = $5
     where tenant_id = $1 and principal = $2 and key = $3 returning status, body`,
    [...where, answer.status, JSON.stringify(answer.body)],
  );
  return { ...kept, replayed: false };
}

async function earlierAnswer(
  tx: Tx,
  where: readonly string[],
  hash: string,
): Promise<StoredAnswer> {
  const [earlier] = await tx.query<{ hash: string; status: number; body: unknown }>(
    `select request_sha256 as hash, status, body from daybook.idempotency_keys
     where tenant_id = $1 and principal = $2 and key = $3`,
    where,
  );
  if (earlier?.hash !== hash) {
    throw new DaybookError('E_CONFLICT', {
      where: 'Idempotency-Key',
      reason: 'it came before with another request; use a new key for a new request',
    });
  }
  return { status: earlier.status, body: earlier.body };
}

function hashOf(request: unknown): string {
  return createHash('sha256').update(canonicalJson(request)).digest('hex');
}

/** JSON with sorted keys: the order of members in a request's text does not matter. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
