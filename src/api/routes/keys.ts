import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { parseScopes, scopesBeyond, TENANT_SCOPES } from '../../principals/permissions.ts';
import { type ApiKey, createApiKey, listApiKeys, revokeApiKey } from '../../store/api-keys.ts';
import { onceByKey } from '../../store/idempotency.ts';
import { actorOf } from '../access.ts';
import { IdempotencyKey, idempotencyKeyOf } from '../idempotency-key.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** A tenant's API keys. A secret is shown once, in the answer that creates it. */

const KeyView = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  created_by: z.string(),
  created_at: z.string(),
  expires_at: z.union([z.string(), z.null()]),
  revoked_at: z.union([z.string(), z.null()]),
  last_used_at: z.union([z.string(), z.null()]),
});

const CreatedKey = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  key: z
    .union([z.string(), z.null()])
    .describe('What to send as the Bearer token. Shown once: null when a request is repeated.'),
});

export function keyRoutes({ server, deps }: RouteContext): void {
  const { database, now } = deps;

  server.get(
    '/v1/keys',
    {
      config: { access: 'keys.read' },
      schema: {
        operationId: 'listKeys',
        tags: ['keys'],
        summary: "The tenant's API keys, newest first",
        headers: TENANT_HEADERS,
        response: { 200: z.object({ items: z.array(KeyView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const keys = await database.asTenant(tenant.id, (tx) => listApiKeys(tx));
      return { items: keys.map(viewKey) };
    },
  );

  server.post(
    '/v1/keys',
    {
      config: { access: 'keys.manage' },
      schema: {
        operationId: 'createKey',
        tags: ['keys'],
        summary: 'Create an API key',
        headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
        body: z.strictObject({
          name: z.string().min(1).max(100),
          scopes: z
            .array(
              z
                .string()
                .max(100)
                .meta({ enum: [...TENANT_SCOPES] }),
            )
            .min(1)
            .max(50),
          expires_at: z.iso.datetime({ offset: true }).optional(),
        }),
        response: { 201: CreatedKey, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, principal, name: createdBy } = actorOf(request);
      const { name, expires_at } = request.body;
      const idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key']);
      const scopes = parseScopes(request.body.scopes, tenant.id);
      const beyond = scopesBeyond(principal, scopes, tenant.id);
      if (beyond.length > 0) {
        throw new DaybookError('E_FORBIDDEN', {
          who: createdBy,
          action: `hand on ${beyond.join(', ')}`,
          expected: 'every right that the key is to have',
        });
      }
      const expiresAt = expires_at === undefined ? null : new Date(expires_at);
      if (expiresAt && expiresAt.getTime() <= now()) {
        throw new DaybookError('E_INVALID', {
          where: 'expires_at',
          got: JSON.stringify(expires_at),
          expected: 'an instant to come',
        });
      }
      let token: string | null = null;
      const answer = await database.asTenant(tenant.id, async (tx) => {
        const effect = async () => {
          const created = await createApiKey(tx, {
            tenantId: tenant.id,
            name,
            scopes,
            createdBy,
            expiresAt,
          });
          token = created.token;
          // What is kept for a repeated request never holds the secret.
          return { status: 201, body: { id: created.id, name: name.trim(), scopes } };
        };
        if (idempotencyKey === null) return { ...(await effect()), replayed: false };
        return onceByKey(
          tx,
          {
            tenantId: tenant.id,
            principal: createdBy,
            key: idempotencyKey,
            request: ['keys', request.body],
          },
          effect,
        );
      });
      if (answer.replayed) reply.header('idempotency-replayed', 'true');
      const body = answer.body as { id: string; name: string; scopes: string[] };
      return reply
        .code(201)
        .headers({ location: `/v1/keys/${body.id}`, 'cache-control': 'no-store' })
        .send({ ...body, key: token });
    },
  );

  server.delete(
    '/v1/keys/:id',
    {
      config: { access: 'keys.manage' },
      schema: {
        operationId: 'revokeKey',
        tags: ['keys'],
        summary: 'Revoke an API key; it is refused within 5 seconds',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        response: { 204: z.null().describe('Revoked.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      await database.asTenant(tenant.id, (tx) => revokeApiKey(tx, request.params.id));
      return reply.code(204).send(null);
    },
  );
}

function viewKey(key: ApiKey): z.infer<typeof KeyView> {
  return {
    id: key.id,
    name: key.name,
    scopes: [...key.scopes],
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
  };
}
