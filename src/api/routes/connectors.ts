import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ConnectorSpec, checkConnectorSpec, secretOf } from '../../connectors/connector-spec.ts';
import { nextDueOfSpec } from '../../connectors/next-due.ts';
import { resolveTarget } from '../../delivery/outbound/target.ts';
import { sealSecret } from '../../delivery/sealed-secret.ts';
import { DaybookError } from '../../errors.ts';
import {
  type ConnectorRun,
  listConnectorRuns,
  queueConnectorRun,
} from '../../store/connector-runs.ts';
import {
  type Connector,
  insertConnector,
  listConnectors,
  removeConnector,
  requireConnector,
  type SavedConnector,
  updateConnector,
} from '../../store/connectors.ts';
import { actorOf } from '../access.ts';
import type { Actor } from '../authenticate.ts';
import { readRowCursor, writeRowCursor } from '../row-cursor.ts';
import { isUuid } from '../uuid.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Pull connectors: rows fetched from an HTTP JSON API, by configuration. */

const orNull = <T extends z.ZodType>(of: T) => z.union([of, z.null()]);

const Body = z.strictObject({
  name: z.string().trim().min(1).max(100),
  active: z.boolean().default(true),
  secret: z
    .union([z.string().min(1).max(4_000), z.null()])
    .optional()
    .describe('Of `auth`; kept encrypted and never shown. Left out: what is kept. null: none.'),
  ...ConnectorSpec.shape,
});
type Body = z.infer<typeof Body>;

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
  const { database, keys, privateTargets, now } = deps;

  /** Checked here, so that a mistake is told to who makes it and not to a log at night. */
  async function saving(actor: Actor, id: string, body: Body): Promise<SavedConnector> {
    const { name, active, secret, ...rest } = body;
    const spec = checkConnectorSpec(rest);
    await resolveTarget(spec.url.replace(/\{\w+\}/g, '0'), 'url', { privateTargets });
    const { tenant } = actor;
    const sealed =
      typeof secret === 'string' ? sealSecret(keys, secretOf(tenant.id, id), secret).bytes : secret;
    return {
      ...{ tenantId: tenant.id, id, name, spec, active, by: actor.name },
      sealedSecret: sealed,
      next: active ? nextDueOfSpec(spec, tenant.calendar, now()) : null,
    };
  }

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
        body: Body,
        response: { 201: ConnectorView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const actor = actorOf(request);
      const saved = await saving(actor, randomUUID(), request.body);
      const added = await database.asTenant(actor.tenant.id, (tx) => insertConnector(tx, saved));
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
        body: Body,
        response: { 200: ConnectorView, ...PROBLEMS },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const id = idOf(request.params.id);
      const saved = await saving(actor, id, request.body);
      const changed = await database.asTenant(actor.tenant.id, async (tx) => {
        const before = await requireConnector(tx, id);
        const hostBefore = originOf(before.spec);
        // A secret stays with the host that it was given for.
        if (saved.sealedSecret === undefined && before.hasSecret) {
          if (hostBefore !== originOf(saved.spec)) throw secretNeeded();
        }
        return updateConnector(tx, saved, !readsTheSame(before.spec, saved.spec));
      });
      return viewConnector(changed);
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

function secretNeeded(): DaybookError {
  return new DaybookError('E_INVALID', {
    where: 'secret',
    got: 'another host in url, and no secret',
    expected: 'the secret once more (or null for none): it is kept for the host before alone',
  });
}

function originOf(spec: unknown): string {
  return new URL((spec as ConnectorSpec).url.replace(/\{\w+\}/g, '0')).origin;
}

/** Whether what was read so far still means what it meant. */
function readsTheSame(before: unknown, after: unknown): boolean {
  const of = ({ url, dataset, rows, since, body }: ConnectorSpec) =>
    JSON.stringify([url, dataset, rows, since?.field ?? null, since?.format ?? null, body ?? null]);
  return of(before as ConnectorSpec) === of(after as ConnectorSpec);
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
