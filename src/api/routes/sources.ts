import { z } from 'zod';
import {
  asOwner,
  bindSource,
  demandOperator,
  markBound,
  requireSource,
  resaveSource,
  type SourceDeps,
  saveSource,
} from '../../bindings/save-source.ts';
import { testSource } from '../../bindings/test-source.ts';
import { parseInstant } from '../../mapping/iso-time.ts';
import { listSources, removeSource, SOURCE_KINDS, type SourceRow } from '../../store/sources.ts';
import { requestSignal } from '../request-signal.ts';
import { sourceActorOf } from '../source-actor.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { BindingBody, rawBindingOf } from './source-bindings.ts';

/** Foreign databases that rows are read from. What is secret goes in and never comes out. */

const Texts = z.record(z.string().min(1).max(64), z.string().max(10_000));

const SourceView = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(SOURCE_KINDS),
  shared: z.boolean().describe('For bindings of any tenant; else this tenant’s own.'),
  settings: Texts,
  version: z.number().describe('Counts changes.'),
  created_by: z.string(),
  created_at: z.string(),
});

const TriedView = z.object({
  id: z.union([z.string(), z.null()]),
  dataset: z.string(),
  from: z.string(),
  server: z.union([z.string(), z.null()]),
  sample: z.number().describe('Rows that were read.'),
  error: z.union([z.object({ code: z.string(), message: z.string() }), z.null()]),
});

const Params = z.object({ id: z.string().max(100).describe('Name or id.') });

export function sourceRoutes(context: RouteContext): void {
  const { server, deps, closing } = context;
  markRoute(context);
  const { database, keys, privateTargets } = deps;
  const sourceDeps: SourceDeps = { database, keys, privateTargets };
  const tags = ['sources'];
  const headers = TENANT_HEADERS;

  server.get(
    '/v1/sources',
    {
      config: { access: 'sources.read' },
      schema: {
        ...{ operationId: 'listSources', tags, headers },
        summary: 'Foreign databases of the tenant; an operator sees those for all tenants too',
        response: { 200: z.object({ items: z.array(SourceView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { tenantId, isOperator } = sourceActorOf(request);
      const own = await database.asTenant(tenantId, (tx) => listSources(tx, tenantId));
      const shared = isOperator ? await database.asSystem((tx) => listSources(tx, null)) : [];
      return { items: [...own, ...shared].map(view) };
    },
  );

  server.post(
    '/v1/sources',
    {
      config: { access: 'sources.manage' },
      schema: {
        ...{ operationId: 'addSource', tags, headers },
        summary: 'Save how a foreign database is reached; nothing is connected yet',
        description:
          'Credentials are kept sealed and never given out. Hosts of private networks are an operator’s to name.',
        body: z.strictObject({
          name: z.string().max(63),
          kind: z.enum(SOURCE_KINDS),
          settings: Texts,
          credentials: Texts,
          shared: z.boolean().default(false),
        }),
        response: { 201: SourceView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const saved = await saveSource(request.body, sourceActorOf(request), sourceDeps);
      return reply.code(201).send(view(saved));
    },
  );

  server.get(
    '/v1/sources/:id',
    {
      config: { access: 'sources.read' },
      schema: {
        ...{ operationId: 'getSource', tags, headers },
        summary: 'One source',
        params: Params,
        response: { 200: SourceView, ...PROBLEMS },
      },
    },
    async (request) =>
      view(await requireSource(request.params.id, sourceActorOf(request), sourceDeps)),
  );

  server.patch(
    '/v1/sources/:id',
    {
      config: { access: 'sources.manage' },
      schema: {
        ...{ operationId: 'changeSource', tags, headers },
        summary: 'Other credentials, or other settings together with their credentials',
        params: Params,
        body: z.strictObject({ settings: Texts.optional(), credentials: Texts.optional() }),
        response: { 200: SourceView, ...PROBLEMS },
      },
    },
    async (request) => {
      const actor = sourceActorOf(request);
      const source = await requireSource(request.params.id, actor, sourceDeps);
      const { settings, credentials } = request.body;
      const to = { ...(settings ? { settings } : {}), ...(credentials ? { credentials } : {}) };
      return view(await resaveSource(source, to, actor, sourceDeps));
    },
  );

  server.delete(
    '/v1/sources/:id',
    {
      config: { access: 'sources.manage' },
      schema: {
        ...{ operationId: 'removeSource', tags, headers },
        summary: 'Remove a source that nothing is bound to',
        params: Params,
        response: { 204: z.null().describe('Removed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const actor = sourceActorOf(request);
      const source = await requireSource(request.params.id, actor, sourceDeps);
      demandOperator(source.tenantId === null, actor, 'remove a source for all tenants');
      await asOwner(source, database, (tx) => removeSource(tx, source.id));
      return reply.code(204).send(null);
    },
  );

  server.post(
    '/v1/sources/:id/test',
    {
      config: { access: 'sources.manage' },
      schema: {
        ...{ operationId: 'testSource', tags, headers },
        summary: 'Connect, and read one row by each binding of the tenant',
        params: Params,
        response: { 200: z.object({ items: z.array(TriedView) }), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const actor = sourceActorOf(request);
      const source = await requireSource(request.params.id, actor, sourceDeps);
      const signal = requestSignal(reply.raw, closing);
      return { items: await testSource(source, actor, sourceDeps, signal) };
    },
  );

  server.post(
    '/v1/sources/:id/bindings',
    {
      config: { access: 'sources.manage' },
      schema: {
        ...{ operationId: 'bindSource', tags, headers },
        summary: 'Read the tenant’s rows of a dataset from there, once one row was read',
        description:
          'A source for all tenants needs `only`, the condition that tells whose a row is. Dates are local ones of the tenant; outside of them Daybook’s own tables answer.',
        params: Params,
        body: BindingBody,
        response: { 201: TriedView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const actor = sourceActorOf(request);
      const source = await requireSource(request.params.id, actor, sourceDeps);
      const raw = rawBindingOf(request.body);
      const signal = requestSignal(reply.raw, closing);
      const { dataset, from } = raw;
      const bound = await bindSource(source, raw, actor, sourceDeps, signal);
      return reply.code(201).send({ ...bound, dataset, from, error: null });
    },
  );
}

function markRoute({ server, deps: { database } }: RouteContext): void {
  server.put(
    '/v1/sources/:id/complete-through/:dataset',
    {
      config: { access: 'sources.manage' },
      schema: {
        ...{ operationId: 'markSource', tags: ['sources'], headers: TENANT_HEADERS },
        summary: 'Say how far the tenant’s rows there are complete; it never moves back',
        description: 'Until it is said, a day counts as complete two hours after its end.',
        params: Params.extend({ dataset: z.enum(['calls', 'order_lines']) }),
        body: z.strictObject({ complete_through: z.string().max(64) }),
        response: { 200: z.object({ complete_through: z.string() }), ...PROBLEMS },
      },
    },
    async (request) => {
      const actor = sourceActorOf(request);
      const { id, dataset } = request.params;
      const source = await requireSource(id, actor, { database });
      const completeThrough = parseInstant(request.body.complete_through, 'complete_through');
      const marked = await markBound(source, { dataset, completeThrough }, actor, { database });
      return { complete_through: new Date(marked).toISOString() };
    },
  );
}

function view(source: SourceRow): z.infer<typeof SourceView> {
  return {
    id: source.id,
    name: source.name,
    kind: source.kind,
    shared: source.tenantId === null,
    settings: { ...source.settings },
    version: source.version,
    created_by: source.createdBy,
    created_at: new Date(source.createdAt).toISOString(),
  };
}
