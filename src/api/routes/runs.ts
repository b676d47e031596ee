import { z } from 'zod';
import { actorOf } from '../access.ts';
import { readCursor } from '../cursor.ts';
import { requireRun } from '../run-lookup.ts';
import { pageOfRuns } from '../run-page.ts';
import { RunPage, RunView, viewRun } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { PageQuery } from './exports.ts';

/** Every run of a tenant: exports, scheduled ones, pre-caching. */
export function runRoutes({ server, deps }: RouteContext): void {
  const { database, now } = deps;

  server.get(
    '/v1/runs',
    {
      config: { access: 'runs.read' },
      schema: {
        operationId: 'listRuns',
        tags: ['runs'],
        summary: 'Runs, newest first',
        headers: TENANT_HEADERS,
        querystring: PageQuery.extend({
          status: RunView.shape.status.optional(),
          work_class: RunView.shape.work_class.optional(),
        }),
        response: { 200: RunPage, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { limit, cursor, status, work_class } = request.query;
      const page = { limit, cursor: readCursor(cursor), state: status, workClass: work_class };
      return pageOfRuns(database, tenant, page, now);
    },
  );

  server.get(
    '/v1/runs/:id',
    {
      config: { access: 'runs.read' },
      schema: {
        operationId: 'getRun',
        tags: ['runs'],
        summary: 'How a run stands',
        headers: TENANT_HEADERS,
        params: z.object({ id: z.string() }),
        response: { 200: RunView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const { run, file } = await requireRun(database, tenant.id, request.params.id);
      return viewRun(run, file, tenant, now());
    },
  );
}
