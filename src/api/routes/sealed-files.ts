import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { mediaTypeOf } from '../../reports/render/media-types.ts';
import { FORMATS } from '../../reports/request.ts';
import { LOOK_UP } from '../../store/database.ts';
import { listDeliveries } from '../../store/deliveries.ts';
import { onceByKey } from '../../store/idempotency.ts';
import { findReportFile, listReportFiles, type ReportFileRow } from '../../store/report-files.ts';
import { amendFile } from '../../store/restatements.ts';
import { actorOf } from '../access.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { IdempotencyKey, idempotencyKeyOf } from '../idempotency-key.ts';
import { readableRun } from '../run-lookup.ts';
import { DeliveryView, SealedFileView, viewDelivery, viewSealedFile } from '../schedule-views.ts';
import { sendFinished } from '../send-finished.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { PageQuery } from './exports.ts';

/** What schedules made, byte for byte, and to whom it went. */

const Params = z.object({ id: z.string() });
const Next = z.union([z.string(), z.null()]).describe('For `cursor`; null on the last page.');
const ANY_FORMAT = Object.fromEntries(
  FORMATS.map((format) => [mediaTypeOf(format).split(';', 1)[0], { schema: z.unknown() }]),
);

export function sealedFileRoutes({ server, deps }: RouteContext): void {
  const { database } = deps;
  async function requireFile(tenantId: string, id: string): Promise<ReportFileRow> {
    const file = isUuid(id)
      ? await database.asTenant(tenantId, (tx) => findReportFile(tx, id))
      : null;
    if (file) return file;
    throw new DaybookError('E_NOT_FOUND', { what: 'file', got: JSON.stringify(id.slice(0, 100)) });
  }

  server.get(
    '/v1/files',
    {
      config: { access: 'deliveries.read' },
      schema: {
        operationId: 'listFiles',
        tags: ['files'],
        summary: 'Sealed files, newest first',
        headers: TENANT_HEADERS,
        querystring: PageQuery.extend({
          occurrence: z.uuid().optional(),
          changed: z.enum(['true']).optional().describe('Those of which a day changed since.'),
        }),
        response: {
          200: z.object({ items: z.array(SealedFileView), next_cursor: Next }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor, occurrence, changed } = request.query;
      const page = { limit, after: readCursor(cursor), occurrence, changed: changed === 'true' };
      const { files, next } = await database.asTenant(
        tenant.id,
        (tx) => listReportFiles(tx, page),
        LOOK_UP,
      );
      return { items: files.map(viewSealedFile), next_cursor: writeCursor(next) };
    },
  );

  server.get(
    '/v1/files/:id',
    {
      config: { access: 'deliveries.read' },
      schema: {
        operationId: 'getFile',
        tags: ['files'],
        summary: 'A sealed file',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: SealedFileView, ...PROBLEMS },
      },
    },
    async (request) =>
      viewSealedFile(await requireFile(actorOf(request).tenant.id, request.params.id)),
  );

  server.post(
    '/v1/files/:id/amend',
    {
      config: { access: 'deliveries.send' },
      schema: {
        operationId: 'amendFile',
        tags: ['files'],
        summary:
          'Make the next revision of a file whose days changed, and owe it to its recipients',
        headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
        params: Params,
        response: { 202: z.object({ run: z.string() }), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name } = actorOf(request);
      const { id } = await requireFile(tenant.id, request.params.id);
      const key = idempotencyKeyOf(request.headers['idempotency-key']);
      const answer = await database.asTenant(tenant.id, async (tx) => {
        const effect = async () => ({ status: 202, body: { run: await amendFile(tx, id, name) } });
        if (key === null) return { ...(await effect()), replayed: false };
        const asked = {
          tenantId: tenant.id,
          principal: name,
          key,
          request: ['files', id, 'amend'],
        };
        return onceByKey(tx, asked, effect);
      });
      if (answer.replayed) reply.header('idempotency-replayed', 'true');
      else deps.wake();
      return reply.code(202).send(answer.body as { run: string });
    },
  );

  server.route({
    method: ['GET', 'HEAD'],
    url: '/v1/files/:id/file',
    config: { access: 'deliveries.read' },
    schema: {
      tags: ['files'],
      summary: 'The bytes of a sealed file, as they went out',
      headers: TENANT_HEADERS,
      params: Params,
      response: {
        200: { description: 'The file.', content: ANY_FORMAT },
        206: { description: 'The range that was asked for.', content: ANY_FORMAT },
        304: z.null().describe('The file is the one of `If-None-Match`.'),
        ...PROBLEMS,
      },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request);
      const { runId } = await requireFile(actor.tenant.id, request.params.id);
      return sendFinished(request, reply, deps, await readableRun(database, actor, runId));
    },
  });

  server.get(
    '/v1/deliveries',
    {
      config: { access: 'deliveries.read' },
      schema: {
        operationId: 'listDeliveries',
        tags: ['deliveries'],
        summary: 'What is or was owed to whom, newest first',
        headers: TENANT_HEADERS,
        querystring: PageQuery.extend({
          state: DeliveryView.shape.state.optional(),
          occurrence: z.uuid().optional(),
          file: z.uuid().optional(),
        }),
        response: {
          200: z.object({ items: z.array(DeliveryView), next_cursor: Next }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor, state, occurrence, file } = request.query;
      const page = { limit, after: readCursor(cursor), state, occurrence, file };
      const { deliveries, next } = await database.asTenant(tenant.id, (tx) =>
        listDeliveries(tx, page),
      );
      return { items: deliveries.map(viewDelivery), next_cursor: writeCursor(next) };
    },
  );
}
