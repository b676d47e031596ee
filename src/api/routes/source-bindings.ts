import { z } from 'zod';
import { type RawBinding, unbind } from '../../bindings/save-source.ts';
import { type BindingRow, listBindings } from '../../store/source-bindings.ts';
import { actorOf } from '../access.ts';
import { sourceActorOf } from '../source-actor.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Which rows of a tenant stand in which foreign database. */

const Column = z.string().min(1).max(200);
const OnlyView = z.union([
  z.strictObject({ column: Column, equals: z.string().min(1).max(1_000) }),
  z.strictObject({ column: Column, starts_with: z.string().min(1).max(1_000) }),
]);

export const BindingBody = z.strictObject({
  dataset: z.enum(['calls', 'order_lines']),
  from: z.string().min(1).max(200).describe('Table, view or collection.'),
  map: z.looseObject({}).describe('As for files: fields of the dataset from columns of `from`.'),
  anchor_column: Column.describe('Behind the instant that decides a row’s day.'),
  key_column: Column.describe('No two rows share it.'),
  only: z.union([OnlyView, z.null()]).default(null).describe('Which rows are the tenant’s.'),
  updated_column: z
    .union([Column, z.null()])
    .default(null)
    .describe(
      'Grows whenever a row changes; null: changes that keep the number of rows go unseen.',
    ),
  from_date: z.union([z.string(), z.null()]).default(null),
  to_date: z.union([z.string(), z.null()]).default(null),
});

const BindingView = z.object({
  id: z.string(),
  source: z.string().describe('Its name.'),
  dataset: z.enum(['calls', 'order_lines']),
  from: z.string(),
  map: z.looseObject({}),
  anchor_column: z.string(),
  key_column: z.string(),
  only: z.union([OnlyView, z.null()]),
  updated_column: z.union([z.string(), z.null()]),
  from_date: z.union([z.string(), z.null()]),
  to_date: z.union([z.string(), z.null()]),
});

export function rawBindingOf(body: z.infer<typeof BindingBody>): RawBinding {
  const { only } = body;
  return {
    ...{ dataset: body.dataset, from: body.from, map: body.map },
    ...{ anchorColumn: body.anchor_column, keyColumn: body.key_column },
    only:
      only && 'starts_with' in only ? { column: only.column, startsWith: only.starts_with } : only,
    ...{ updatedColumn: body.updated_column, fromDate: body.from_date, toDate: body.to_date },
  };
}

export function sourceBindingRoutes({ server, deps: { database } }: RouteContext): void {
  const tags = ['sources'];
  const headers = TENANT_HEADERS;

  server.get(
    '/v1/source-bindings',
    {
      config: { access: 'sources.read' },
      schema: {
        ...{ operationId: 'listSourceBindings', tags, headers },
        summary: 'Which rows of the tenant are read from foreign databases',
        response: { 200: z.object({ items: z.array(BindingView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const of = { tenantId: actorOf(request).tenant.id, sourceId: null };
      return { items: (await database.asSystem((tx) => listBindings(tx, of))).map(view) };
    },
  );

  server.delete(
    '/v1/source-bindings/:id',
    {
      config: { access: 'sources.manage' },
      schema: {
        ...{ operationId: 'removeSourceBinding', tags, headers },
        summary: 'Read those rows from Daybook’s own tables again',
        params: z.object({ id: z.string() }),
        response: { 204: z.null().describe('Removed.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      await unbind(request.params.id, sourceActorOf(request), { database });
      return reply.code(204).send(null);
    },
  );
}

function view(binding: BindingRow): z.infer<typeof BindingView> {
  const { only } = binding;
  return {
    ...{ id: binding.id, source: binding.sourceName, dataset: binding.dataset },
    ...{ from: binding.from, map: { ...binding.map }, anchor_column: binding.anchorColumn },
    key_column: binding.keyColumn,
    only:
      only && 'startsWith' in only ? { column: only.column, starts_with: only.startsWith } : only,
    ...{ updated_column: binding.updatedColumn },
    ...{ from_date: binding.fromDate, to_date: binding.toDate },
  };
}
