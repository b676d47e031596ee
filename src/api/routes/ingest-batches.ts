import { z } from 'zod';
import type { ErrorCode } from '../../errors.ts';
import {
  BATCH_STATES,
  discardIngestBatch,
  type IngestBatch,
  listIngestBatches,
  requireIngestBatch,
  retryIngestBatch,
} from '../../store/ingest-batches.ts';
import { actorOf } from '../access.ts';
import { publicMessage } from '../problem.ts';
import { readSequence, writeSequence } from '../sequence-cursor.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** What became of batches. */

const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);
const instant = z.string().meta({ format: 'date-time' });

const BatchView = z.object({
  id: z.string(),
  dataset: z.string(),
  kind: z.enum(['rows', 'mark']),
  source: z.string(),
  message_id: z.string(),
  key_id: z.string(),
  complete_through: orNull(instant),
  state: z.enum(BATCH_STATES),
  rows: z.number().describe('Rows as they were counted when they came.'),
  received_at: instant,
  started_at: orNull(instant),
  ended_at: orNull(instant),
  result: orNull(
    z.object({
      load_id: z.string(),
      loaded: z.number(),
      updated: z.number(),
      unchanged: z.number(),
      superseded: z.number(),
      rejected: z.number(),
      days: z.number(),
      first_reject: orNull(z.string()),
    }),
  ).describe('Once it is loaded.'),
  failures: z.number(),
  next_try_at: orNull(instant),
  error: orNull(z.object({ code: z.string(), message: z.string() })),
});

const Params = z.object({ id: z.string() });

export function ingestBatchRoutes({ server, deps }: RouteContext): void {
  const { database } = deps;
  const one = (tenantId: string, id: string) =>
    database.asTenant(tenantId, (tx) => requireIngestBatch(tx, tenantId, idOf(id)));

  server.get(
    '/v1/ingest/batches',
    {
      config: { access: 'ingest.read' },
      schema: {
        operationId: 'listIngestBatches',
        tags: ['ingest'],
        summary: 'Batches, newest first',
        headers: TENANT_HEADERS,
        querystring: z.object({
          dataset: z.string().max(100).optional(),
          state: z.enum(BATCH_STATES).optional(),
          limit: z.coerce.number().int().min(1).max(500).default(50),
          cursor: z.string().max(200).optional(),
        }),
        response: {
          200: z.object({ items: z.array(BatchView), next_cursor: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { dataset, state, limit, cursor } = request.query;
      const filter = { tenantId: tenant.id, dataset, state, beforeSeq: readSequence(cursor) };
      const found = await database.asTenant(tenant.id, (tx) =>
        listIngestBatches(tx, { ...filter, limit: limit + 1 }),
      );
      const items = found.slice(0, limit);
      const next = found.length > limit ? items[limit - 1].seq : null;
      return { items: items.map(viewBatch), next_cursor: writeSequence(next) };
    },
  );

  server.get(
    '/v1/ingest/batches/:id',
    {
      config: { access: 'ingest.read' },
      schema: {
        operationId: 'getIngestBatch',
        tags: ['ingest'],
        summary: 'One batch: how far it is, and what came of it',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: BatchView, ...PROBLEMS },
      },
    },
    async (request) => viewBatch(await one(actorOf(request).tenant.id, request.params.id)),
  );

  server.post(
    '/v1/ingest/batches/:id/retry',
    {
      config: { access: 'data.load' },
      schema: {
        operationId: 'retryIngestBatch',
        tags: ['ingest'],
        summary: 'Load a dead batch after all',
        description:
          'It keeps its place. Rows that later batches have changed meanwhile get its values.',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: BatchView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { id: tenantId } = actorOf(request).tenant;
      const id = idOf(request.params.id);
      await database.asTenant(tenantId, (tx) => retryIngestBatch(tx, tenantId, id));
      return viewBatch(await one(tenantId, id));
    },
  );

  server.delete(
    '/v1/ingest/batches/:id',
    {
      config: { access: 'data.load' },
      schema: {
        operationId: 'discardIngestBatch',
        tags: ['ingest'],
        summary: 'Give up a dead batch for good; marks behind it move on',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 204: z.null().describe('Given up.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { id: tenantId } = actorOf(request).tenant;
      const id = idOf(request.params.id);
      await database.asTenant(tenantId, (tx) => discardIngestBatch(tx, tenantId, id));
      return reply.code(204).send(null);
    },
  );
}

const NOBODYS = '00000000-0000-0000-0000-000000000000';
/** Ids that cannot exist are unknown ids. */
function idOf(text: string): string {
  return isUuid(text) ? text : NOBODYS;
}

function viewBatch(batch: IngestBatch): z.infer<typeof BatchView> {
  const waits = batch.state === 'queued' && batch.failures > 0;
  return {
    id: batch.id,
    dataset: batch.dataset,
    kind: batch.kind,
    source: batch.source,
    message_id: batch.messageId,
    key_id: batch.keyId,
    complete_through: batch.completeThrough?.toISOString() ?? null,
    state: batch.state,
    rows: batch.rows,
    received_at: batch.receivedAt.toISOString(),
    started_at: batch.startedAt?.toISOString() ?? null,
    ended_at: batch.endedAt?.toISOString() ?? null,
    result:
      batch.loadId === null
        ? null
        : {
            load_id: batch.loadId,
            loaded: batch.loaded ?? 0,
            updated: batch.updated ?? 0,
            unchanged: batch.unchanged ?? 0,
            superseded: batch.superseded ?? 0,
            rejected: batch.rejected ?? 0,
            days: batch.days ?? 0,
            first_reject: batch.firstReject,
          },
    failures: batch.failures,
    next_try_at: waits ? batch.notBefore.toISOString() : null,
    error:
      batch.errorCode === null
        ? null
        : {
            code: batch.errorCode,
            message: publicMessage(batch.errorCode as ErrorCode, batch.errorMessage ?? ''),
          },
  };
}
