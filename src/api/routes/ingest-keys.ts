import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { createIngestKey, parseIngestMaps } from '../../ingest/signed/create-key.ts';
import { INGEST_DATASETS } from '../../ingest/signed/ingest-datasets.ts';
import { SCHEMES } from '../../ingest/signed/signature.ts';
import { demand } from '../../principals/permissions.ts';
import {
  type IngestKey,
  listIngestKeys,
  revokeIngestKey,
  setIngestMaps,
} from '../../store/ingest-keys.ts';
import { actorOf } from '../access.ts';
import { IdempotencyKey } from '../idempotency-key.ts';
import { createOnce } from '../once.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Keys that sign batches. A secret is shown once, in the answer that makes it. */

const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);
const Maps = z
  .record(z.string(), z.unknown())
  .describe('Dataset → map, for rows whose fields have other names.');

const KeyView = z.object({
  id: z.string(),
  name: z.string(),
  source: z.string().describe('Ids of messages are unique within it, over all of its keys.'),
  scheme: z.enum(SCHEMES),
  header: orNull(z.string()),
  prefix: z.string(),
  id_header: orNull(z.string()),
  datasets: z.array(z.string()),
  maps: Maps,
  created_by: z.string(),
  created_at: z.string(),
  expires_at: orNull(z.string()),
  revoked_at: orNull(z.string()),
  last_used_at: orNull(z.string()),
});

const Created = z.object({
  id: z.string(),
  name: z.string(),
  secret: orNull(z.string()).describe('Shown once: null when a request is repeated.'),
});

const NewKey = z.strictObject({
  name: z.string().min(1).max(100),
  source: z.string().min(1).max(100).optional().describe('Default: the name.'),
  scheme: z.enum(SCHEMES).default('standard'),
  secret: z.string().max(1000).optional().describe('One that the sender chose; 24 bytes at least.'),
  header: z.string().max(99).optional().describe('Where an HMAC or a token stands.'),
  prefix: z.string().max(50).optional().describe('What stands before it, such as `sha256=`.'),
  id_header: z.string().max(99).optional().describe('Default: the id is the hash of the body.'),
  datasets: z.array(z.enum(INGEST_DATASETS)).max(10).default([]).describe('Default: all.'),
  maps: Maps.default({}),
  expires_at: z.iso.datetime({ offset: true }).optional(),
});

export function ingestKeyRoutes({ server, deps }: RouteContext): void {
  const { database, keys, now } = deps;

  server.get(
    '/v1/ingest/keys',
    {
      config: { access: 'keys.read' },
      schema: {
        operationId: 'listIngestKeys',
        tags: ['ingest'],
        summary: 'Keys that sign batches, newest first',
        headers: TENANT_HEADERS,
        response: { 200: z.object({ items: z.array(KeyView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const found = await database.asTenant(tenant.id, (tx) => listIngestKeys(tx, tenant.id));
      return { items: found.map(viewKey) };
    },
  );

  server.post(
    '/v1/ingest/keys',
    {
      config: { access: 'keys.manage' },
      schema: {
        operationId: 'createIngestKey',
        tags: ['ingest'],
        summary: 'Create a key that signs batches',
        headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
        body: NewKey,
        response: { 201: Created, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, principal, name: createdBy } = actorOf(request);
      // Nobody hands on what they may not do.
      demand(principal, 'data.load');
      const { body } = request;
      const expiresAt = body.expires_at === undefined ? null : new Date(body.expires_at);
      if (expiresAt && expiresAt.getTime() <= now()) {
        throw new DaybookError('E_INVALID', {
          where: 'expires_at',
          got: JSON.stringify(body.expires_at),
          expected: 'an instant to come',
        });
      }
      let secret: string | null = null;
      const made = await createOnce(request, reply, database, 'ingest-keys', async (tx) => {
        const created = await createIngestKey(
          tx,
          {
            tenantId: tenant.id,
            name: body.name,
            source: body.source ?? null,
            scheme: body.scheme,
            secret: body.secret ?? null,
            header: body.header ?? null,
            prefix: body.prefix ?? null,
            idHeader: body.id_header ?? null,
            datasets: body.datasets,
            maps: body.maps,
            createdBy,
            expiresAt,
          },
          keys,
        );
        secret = created.secret;
        // What is kept for a repeated request never holds the secret.
        return { id: created.id, name: body.name.trim() };
      });
      reply.header('cache-control', 'no-store');
      return reply.send({ ...made, secret });
    },
  );

  server.patch(
    '/v1/ingest/keys/:id',
    {
      config: { access: 'keys.manage' },
      schema: {
        operationId: 'changeIngestKey',
        tags: ['ingest'],
        summary: "Change a key's maps, also for batches that wait or died of them",
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        body: z.strictObject({ maps: Maps }),
        response: { 204: z.null().describe('Changed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const maps = parseIngestMaps(request.body.maps);
      const change = { tenantId: tenant.id, id: request.params.id, maps };
      await database.asTenant(tenant.id, (tx) => setIngestMaps(tx, change));
      return reply.code(204).send(null);
    },
  );

  server.delete(
    '/v1/ingest/keys/:id',
    {
      config: { access: 'keys.manage' },
      schema: {
        operationId: 'revokeIngestKey',
        tags: ['ingest'],
        summary: 'Revoke a key; what it signs is refused within 5 seconds',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        response: { 204: z.null().describe('Revoked.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      await database.asTenant(tenant.id, (tx) => revokeIngestKey(tx, tenant.id, id));
      return reply.code(204).send(null);
    },
  );
}

function viewKey(key: IngestKey): z.infer<typeof KeyView> {
  return {
    id: key.id,
    name: key.name,
    source: key.source,
    scheme: key.scheme,
    header: key.header,
    prefix: key.prefix,
    id_header: key.idHeader,
    datasets: [...key.datasets],
    maps: { ...key.maps },
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
  };
}
