import { z } from 'zod';
import { addConnector, ConnectorForm, changeConnector } from '../../connectors/save-connector.ts';
import { DaybookError } from '../../errors.ts';
import {
  type ConnectorRun,
  listConnectorRuns,
  queueConnectorRun,
} from '../../store/connector-runs.ts';
import {
  type Connector,
  listConnectors,
  removeConnector,
  requireConnector,
} from '../../store/connectors.ts';
import { actorOf } from '../access.ts';
import { readRowCursor, writeRowCursor } from '../row-cursor.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Pull connectors: rows fetched from an HTTP JSON API, by configuration. */

const orNull = <T extends z.ZodType>(of: T) => z.union([of, z.null()]);

const ConnectorView = z.object({
  id: z.string(),
  name: z.string(),
  active: z.boolean(),
  has_secret: z.boolean(),
  spec: z.record(z.string(), z.unknown()),
  since: orNull(z.string()).describe('How far it has read; null: nothing yet.'),
  next_due: orNull(z.string()),
  created_by: z.string(),
  changed_by: z.string(),
  changed_at: z.string(),
});

const RunView = z.object({
  id: z.string(),
  connector: z.string(),
  cause: z.enum(['schedule', 'person', 'trigger']),
  requested_by: z.string(),
  state: z.enum(['queued', 'running', 'done', 'failed']),
  queued_at: z.string(),
  started_at: orNull(z.string()),
  ended_at: orNull(z.string()),
  attempts: z.number(),
  pages: z.number(),
  rows: z.number(),
  loaded: z.number(),
  updated: z.number(),
  unchanged: z.number(),
  rejected: z.number(),
  first_reject: orNull(z.string()),
  since_before: orNull(z.string()),
  since_after: orNull(z.string()),
  error: orNull(z.object({ code: z.string(), message: z.string() })),
});

const Params = z.object({ id: z.string() });
const tags = ['connectors'];
const headers = TENANT_HEADERS;

export function connectorRoutes({ server, deps }: RouteContext): void {
  const { database } = deps;

  server.get(
    '/v1/connectors',
    {
      config: { access: 'connectors.read' },
      schema: {
        ...{ operationId: 'listConnectors', tags, headers },
        summary: 'Connectors, by name',
        response: { 200: z.object({ items: z.array(ConnectorView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const found = await database.asTenant(tenant.id, listConnectors);
      return { items: found.map(viewConnector) };
    },
  );

  server.post(
    '/v1/connectors',
    {
      config: { access: 'connectors.manage' },
      schema: {
        ...{ operationId: 'addConnector', tags, headers },
        summary: 'Add a connector',
        description:
          'The secret goes to the host of `url` and to no other; redirects are not followed.',
        body: ConnectorForm,
        response: { 201: ConnectorView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const added = await addConnector(request.body, actorOf(request), deps);
      reply.header('location', `/v1/connectors/${added.id}`);
      return reply.code(201).send(viewConnector(added));
    },
  );

  server.get(
    '/v1/connectors/:id',
    {
      config: { access: 'connectors.read' },
      schema: {
        ...{ operationId: 'getConnector', tags, headers },
        summary: 'One connector',
        params: Params,
        response: { 200: ConnectorView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const id = idOf(request.params.id);
      return viewConnector(await database.asTenant(tenant.id, (tx) => requireConnector(tx, id)));
    },
  );

  server.put(
    '/v1/connectors/:id',
    {
      config: { access: 'connectors.manage' },
      schema: {
        ...{ operationId: 'putConnector', tags, headers },
        summary: 'Change a connector, the whole of it; with another address or rows it begins anew',
        params: Params,
        body: ConnectorForm,
        response: { 200: ConnectorView, ...PROBLEMS },
      },
    },
    async (request) => {
      const id = idOf(request.params.id);
      return viewConnector(await changeConnector(id, request.body, actorOf(request), deps));
    },
  );

  server.delete(
    '/v1/connectors/:id',
    {
      config: { access: 'connectors.manage' },
      schema: {
        ...{ operationId: 'removeConnector', tags, headers },
        summary: 'Remove a connector with its runs and triggers; its rows stay',
        params: Params,
        response: { 204: z.null().describe('Removed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const id = idOf(request.params.id);
      if (!(await database.asTenant(tenant.id, (tx) => removeConnector(tx, id)))) throw none(id);
      return reply.code(204).send(null);
    },
  );

  server.post(
    '/v1/connectors/:id/run',
    {
      config: { access: 'connectors.manage' },
      schema: {
        ...{ operationId: 'runConnector', tags, headers },
        summary: 'Run it now; a run that waits already is the answer',
        params: Params,
        response: { 202: z.object({ run: z.string() }), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: by } = actorOf(request);
      const id = idOf(request.params.id);
      const run = await database.asTenant(tenant.id, async (tx) => {
        await requireConnector(tx, id);
        return queueConnectorRun(tx, { tenantId: tenant.id, connectorId: id, cause: 'person', by });
      });
      deps.wake();
      return reply.code(202).send({ run });
    },
  );

  server.get(
    '/v1/connectors/:id/runs',
    {
      config: { access: 'connectors.read' },
      schema: {
        ...{ operationId: 'listConnectorRuns', tags, headers },
        summary: 'What it fetched, the newest first',
        params: Params,
        querystring: z.object({
          cursor: z.string().max(200).optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
        }),
        response: {
          200: z.object({ items: z.array(RunView), next_cursor: orNull(z.string()) }),
          ...PROBLEMS,
        },
      },
    },
    async (request) => {
      const { tenant } = actorOf(request);
      const id = idOf(request.params.id);
      const { limit } = request.query;
      const before = readRowCursor(request.query.cursor);
      if (before !== null && !isUuid(before.key)) throw none('cursor');
      const found = await database.asTenant(tenant.id, async (tx) => {
        await requireConnector(tx, id);
        return listConnectorRuns(tx, id, before, limit + 1);
      });
      const items = found.slice(0, limit);
      const last = found.length > limit ? items[limit - 1] : null;
      return {
        items: items.map(viewRun),
        next_cursor: last && writeRowCursor({ at: last.queuedAt, key: last.id }),
      };
    },
  );
}

function idOf(id: string): string {
  if (isUuid(id)) return id;
  throw none(id);
}

function none(id: string): DaybookError {
  return new DaybookError('E_NOT_FOUND', { what: 'connector', got: id.slice(0, 100) });
}

function viewConnector(connector: Connector): z.infer<typeof ConnectorView> {
  return {
    id: connector.id,
    name: connector.name,
    active: connector.active,
    has_secret: connector.hasSecret,
    spec: connector.spec as Record<string, unknown>,
    since: connector.since,
    next_due: connector.nextDue === null ? null : new Date(connector.nextDue).toISOString(),
    created_by: connector.createdBy,
    changed_by: connector.changedBy,
    changed_at: connector.changedAt.toISOString(),
  };
}

function viewRun(run: ConnectorRun): z.infer<typeof RunView> {
  return {
    ...{ id: run.id, connector: run.connectorId, cause: run.cause, state: run.state },
    requested_by: run.requestedBy,
    queued_at: run.queuedAt.toISOString(),
    started_at: run.startedAt?.toISOString() ?? null,
    ended_at: run.endedAt?.toISOString() ?? null,
    ...{ attempts: run.attempts, pages: run.pages, rows: run.rows, loaded: run.loaded },
    ...{ updated: run.updated, unchanged: run.unchanged, rejected: run.rejected },
    first_reject: run.firstReject,
    since_before: run.sinceBefore,
    since_after: run.sinceAfter,
    error: run.errorCode === null ? null : { code: run.errorCode, message: run.errorMessage ?? '' },
  };
}
