import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { demandReport } from '../../principals/permissions.ts';
import { parseReportRequest } from '../../reports/parse-request.ts';
import { onceByKey } from '../../store/idempotency.ts';
import { countQueued, insertRun, isFinal, requestCancel } from '../../store/runs.ts';
import { calendarOf, daysOf } from '../../time/calendar.ts';
import { actorOf } from '../access.ts';
import { readCursor } from '../cursor.ts';
import { IdempotencyKey, idempotencyKeyOf } from '../idempotency-key.ts';
import { waitSecondsOf } from '../prefer.ts';
import { requestSignal } from '../request-signal.ts';
import { readableRun, requireRun, unknownRun } from '../run-lookup.ts';
import { pageOfRuns } from '../run-page.ts';
import { waitForRun } from '../run-watch.ts';
import { isUuid } from '../uuid.ts';
import { RunPage, RunView, viewRun } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { ExportBody } from './export-body.ts';

/** Export requests: record one, look at it, cancel it. Producing is the runner's work. */

const Params = z.object({ id: z.string() });
export const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
});

export function exportRoutes({ server, deps, closing }: RouteContext): void {
  const { database, now } = deps;

  server.post(
    '/v1/exports',
    {
      config: { access: 'exports.create' },
      schema: {
        operationId: 'createExport',
        tags: ['exports'],
        summary: 'Ask for a report over a period',
        headers: TENANT_HEADERS.extend({
          prefer: z.string().optional().describe('`wait=N` waits up to N seconds (at most 60).'),
          'idempotency-key': IdempotencyKey,
        }),
        body: ExportBody,
        response: { 200: RunView, 202: RunView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name, principal } = actorOf(request);
      const waitSeconds = waitSecondsOf(request.headers.prefer);
      const key = idempotencyKeyOf(request.headers['idempotency-key']);
      const wanted = parseReportRequest(request.body, { locale: tenant.locale });
      demandReport(principal, wanted.report, 'create');
      const calendar = wanted.zone === null ? tenant.calendar : calendarOf(wanted.zone);
      const daysTotal = daysOf(calendar, wanted.period).length;

      const answer = await database.asTenant(
        tenant.id,
        async (tx) => {
          const effect = async () => {
            deps.admission?.((await countQueued(tx, 'interactive')).runs);
            const run = await insertRun(tx, {
              tenantId: tenant.id,
              request: wanted,
              workClass: 'interactive',
              requestedBy: name,
              daysTotal,
            });
            return { status: 202, body: viewRun(run, null, tenant, now()) };
          };
          if (key === null) return { ...(await effect()), replayed: false };
          return onceByKey(
            tx,
            { tenantId: tenant.id, principal: name, key, request: ['exports', request.body] },
            effect,
          );
        },
        { prepared: true },
      );
      const created = answer.body as RunView;
      if (answer.replayed) reply.header('idempotency-replayed', 'true');
      else deps.wake();
      reply.header('location', created.links.self);
      if (waitSeconds === 0) return reply.code(202).send(created);

      reply.header('preference-applied', `wait=${waitSeconds}`);
      const { run, file } = await waitForRun({
        feed: deps.progress,
        runId: created.id,
        read: () => requireRun(database, tenant.id, created.id),
        deadline: now() + waitSeconds * 1000,
        now,
        signal: requestSignal(reply.raw, closing),
      });
      return reply.code(isFinal(run.state) ? 200 : 202).send(viewRun(run, file, tenant, now()));
    },
  );

  server.get(
    '/v1/exports',
    {
      config: { access: 'exports.read' },
      schema: {
        operationId: 'listExports',
        tags: ['exports'],
        summary: 'Exports, newest first',
        headers: TENANT_HEADERS,
        querystring: PageQuery,
        response: { 200: RunPage, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor } = request.query;
      const page = { limit, cursor: readCursor(cursor), workClass: 'interactive' as const };
      return pageOfRuns(database, tenant, page, now);
    },
  );

  server.get(
    '/v1/exports/:id',
    {
      config: { access: 'exports.read' },
      schema: {
        operationId: 'getExport',
        tags: ['exports'],
        summary: 'How an export stands',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: RunView, ...PROBLEMS },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const { tenant } = actor;
      const { run, file } = await readableRun(database, actor, request.params.id);
      return viewRun(run, file, tenant, now());
    },
  );

  server.delete(
    '/v1/exports/:id',
    {
      config: { access: 'exports.cancel' },
      schema: {
        operationId: 'cancelExport',
        tags: ['exports'],
        summary: 'Cancel an export that has not ended',
        headers: TENANT_HEADERS,
        params: Params,
        response: { 200: RunView, 202: RunView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { id } = request.params;
      if (!isUuid(id)) throw unknownRun(id);
      const run = await database.asTenant(tenant.id, (tx) => requestCancel(tx, id));
      if (!run) throw unknownRun(id);
      if (run.state === 'done' || run.state === 'failed') {
        throw new DaybookError('E_CONFLICT', {
          where: 'status',
          reason: `the export is ${run.state}; only one that is queued or running can be cancelled`,
        });
      }
      deps.wake();
      return reply
        .code(run.state === 'cancelled' ? 200 : 202)
        .send(viewRun(run, null, tenant, now()));
    },
  );
}
