import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { parseScopes, type Scope } from '../principals/permissions.ts';
import type { Tx } from './database.ts';

/**
 * API keys: `dbk_<id>_<secret>`. The secret is 192 random bits, kept only as its SHA-256, and
 * shown once. All functions but the listing of one's own keys need a system transaction.
 */

export interface ApiKey {
  readonly id: string;
  /** Null: an operator's key, for every tenant. */
  readonly tenantId: string | null;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
}

export interface NewApiKey {
  readonly id: string;
  readonly secret: string;
  /** What the caller sends: `dbk_<id>_<secret>`. */
  readonly token: string;
}

const TOKEN = /^dbk_([0-9a-f]{16})_([0-9a-f]{48})$/;
const NO_HASH = Buffer.alloc(32);

/** @throws DaybookError `E_INVALID` for a scope that is unknown or not for a tenant's key. */
export async function createApiKey(
  tx: Tx,
  key: {
    readonly tenantId: string | null;
    readonly name: string;
    readonly scopes: readonly string[];
    /** The name of the principal, see `principalName`. */
    readonly createdBy: string;
    readonly expiresAt?: Date | null;
  },
): Promise<NewApiKey> {
  const scopes = parseScopes(key.scopes, key.tenantId);
  const name = key.name.trim();
  if (name === '' || name.length > 100 || /\p{Cc}/u.test(name)) {
    throw new DaybookError('E_INVALID', {
      where: 'name',
      got: JSON.stringify(key.name.slice(0, 100)),
      expected: '1 to 100 characters, none of them a control character',
    });
  }
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(24).toString('hex');
  await tx.run(
    `insert into daybook.api_keys (id, tenant_id, name, scopes, secret_sha256, created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, key.tenantId, name, scopes, sha256(secret), key.createdBy, key.expiresAt ?? null],
  );
  return { id, secret, token: `dbk_${id}_${secret}` };
}

/**
 * Whose token this is, by the database's clock; null when it is malformed, unknown, wrong,
 * revoked or expired, which take the same time to tell apart. Notes the use, at most once a
 * minute and not in a read-only transaction.
 */
export async function authenticateApiKey(
  tx: Tx,
  token: string,
): Promise<{ keyId: string; tenantId: string | null; scopes: Scope[] } | null> {
  const match = typeof token === 'string' ? TOKEN.exec(token) : null;
  if (!match) return null;
  const [, id, secret] = match;
  const [key] = await tx.query<{
    tenantId: string | null;
    scopes: Scope[];
    hash: Buffer;
    usable: boolean;
    stale: boolean;
  }>(
    `select tenant_id as "tenantId", scopes, secret_sha256 as hash,
       revoked_at is null and (expires_at is null or expires_at > now()) as usable,
       (last_used_at is null or last_used_at < now() - interval '1 minute')
         and current_setting('transaction_read_only') = 'off' as stale
     from daybook.api_keys where id = $1`,
    [id],
  );
  const same = timingSafeEqual(sha256(secret), key?.hash ?? NO_HASH);
  if (!key || !same || !key.usable) return null;
  if (key.stale)
    await tx.run('update daybook.api_keys set last_used_at = now() where id = $1', [id]);
  return { keyId: id, tenantId: key.tenantId, scopes: key.scopes };
}

/** Newest first; in a tenant's transaction its own keys only. Never the secret or its hash. */
export async function listApiKeys(tx: Tx): Promise<ApiKey[]> {
  return tx.query<ApiKey & { scopes: Scope[] }>(
    `select id, tenant_id as "tenantId", name, scopes, created_by as "createdBy",
       created_at as "createdAt", expires_at as "expiresAt", revoked_at as "revokedAt",
       last_used_at as "lastUsedAt"
     from daybook.api_keys order by created_at desc, id`,
  );
}

/**
 * From this commit on the key is refused; revoking twice keeps the first time.
 * @throws DaybookError `E_NOT_FOUND`.
 */
export async function revokeApiKey(tx: Tx, id: string): Promise<void> {
  const revoked = await tx.run(
    'update daybook.api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1',
    [id],
  );
  if (revoked === 0) throw new DaybookError('E_NOT_FOUND', { what: 'key', got: id });
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
