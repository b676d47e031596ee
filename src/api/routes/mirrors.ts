import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeSnapshot } from '../../ingest/mirror/describe-snapshot.ts';
import { packBody } from '../../ingest/signed/pack-body.ts';
import { parseLoadMap } from '../../mapping/parse-load-map.ts';
import { datasetOf } from '../../reports/dataset.ts';
import type { MirrorScope } from '../../store/mirror-guard.ts';
import {
  addSnapshotPart,
  discardSnapshot,
  listSnapshots,
  openSnapshot,
  requireSnapshot,
} from '../../store/snapshots.ts';
import { type Calendar, windowOf } from '../../time/calendar.ts';
import { parsePeriod } from '../../time/period.ts';
import { actorOf } from '../access.ts';
import { BodyBudget } from '../body-budget.ts';
import { IdempotencyKey } from '../idempotency-key.ts';
import { bodyFormOf } from '../ingest/body-form.ts';
import { INGEST_LIMITS } from '../ingest/ingest-limits.ts';
import { requireIngestDataset, SnapshotView, snapshotIdOf } from '../ingest/mirror-views.ts';
import { createOnce } from '../once.ts';
import { readRawBody, withOwnBodies } from '../raw-body.ts';
import { requestSignal } from '../request-signal.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** Snapshots: begin one, send its rows, look, give it up. Its commit is a file of its own. */

const Params = z.object({ dataset: z.string() });
const One = Params.extend({ id: z.string() });
const OF = { tags: ['ingest'], headers: TENANT_HEADERS };
/** As the column holds them. */
const GREATEST_PART = 2 ** 31 - 1;

export async function mirrorRoutes({ server, deps, closing }: RouteContext): Promise<void> {
  const { database } = deps;
  const limits = deps.ingestLimits ?? INGEST_LIMITS;
  const budget = new BodyBudget(limits.underWayBytes);

  server.post(
    '/v1/ingest/:dataset/mirror',
    {
      config: { access: 'data.load' },
      schema: {
        ...OF,
        operationId: 'beginMirror',
        summary: 'Begin a snapshot: all rows that another system has, within a scope',
        description:
          'Nothing is changed before the commit. What stands in the scope and is not in the ' +
          'snapshot is deleted then.',
        headers: TENANT_HEADERS.extend({ 'idempotency-key': IdempotencyKey }),
        params: Params,
        body: z.strictObject({
          source: z.string().trim().min(1).max(100).default('api').describe('For people.'),
          from: z.string().max(64).optional().describe('First local date; without, of all days.'),
          to: z.string().max(64).optional().describe('Last local date, inclusive.'),
          prefix: z
            .string()
            .min(1)
            .max(200)
            .optional()
            .describe('Only rows whose external_id (order_id) begins so.'),
          map: z.record(z.string(), z.unknown()).optional(),
        }),
        response: { 201: SnapshotView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: openedBy } = actorOf(request);
      const dataset = requireIngestDataset(request.params.dataset);
      const { source, map = null } = request.body;
      if (map !== null) parseLoadMap(map, datasetOf(dataset));
      const scope = scopeOf(request.body, tenant.calendar);
      const opened = { tenantId: tenant.id, dataset, source, map, scope, openedBy };
      return createOnce(request, reply, database, `mirror ${dataset}`, async (tx) =>
        describeSnapshot(await openSnapshot(tx, opened)),
      );
    },
  );

  await withOwnBodies(server, (scope) => {
    scope.post(
      '/v1/ingest/:dataset/mirror/:id/rows',
      {
        config: { access: 'data.load', readsOwnBody: true },
        schema: {
          ...OF,
          operationId: 'sendMirrorRows',
          summary: 'Send a part of its rows: NDJSON or a JSON array, gzip allowed',
          description:
            'Parts may come in any order. The same part again changes nothing; another body under ' +
            'its number: 409. Of rows with one key that of the highest part counts.',
          params: One,
          querystring: z.object({ part: z.coerce.number().int().min(0).max(GREATEST_PART) }),
          response: { 200: SnapshotView, ...PROBLEMS },
        },
      },
      async (request, reply) => {
        const { id: tenantId } = actorOf(request).tenant;
        const dataset = requireIngestDataset(request.params.dataset);
        const id = snapshotIdOf(request.params.id);
        const form = bodyFormOf(request);
        await database.asTenant(tenantId, (tx) => requireSnapshot(tx, { tenantId, dataset, id }));
        const sha = createHash('sha256');
        const body = await readRawBody(request, limits.sentBytes, budget, (piece) => {
          sha.update(piece);
        });
        try {
          const signal = requestSignal(reply.raw, closing);
          const packed = await packBody(body.pieces, form, limits.body, signal);
          const part = { ...packed, partNo: request.query.part, bodySha256: sha.digest() };
          const kept = await database.asTenant(
            tenantId,
            (tx) => addSnapshotPart(tx, tenantId, id, part),
            { repeatable: true },
          );
          return describeSnapshot(kept);
        } finally {
          body.release();
        }
      },
    );
  });

  server.get(
    '/v1/ingest/:dataset/mirror',
    {
      config: { access: 'ingest.read' },
      schema: {
        ...OF,
        operationId: 'listMirrors',
        summary: 'Snapshots, newest first',
        params: Params,
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(500).default(50) }),
        response: { 200: z.object({ items: z.array(SnapshotView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { id: tenantId } = actorOf(request).tenant;
      const dataset = requireIngestDataset(request.params.dataset);
      const { limit } = request.query;
      const found = await database.asTenant(tenantId, (tx) =>
        listSnapshots(tx, { tenantId, dataset, limit }),
      );
      return { items: found.map(describeSnapshot) };
    },
  );

  server.get(
    '/v1/ingest/:dataset/mirror/:id',
    {
      config: { access: 'ingest.read' },
      schema: {
        ...OF,
        operationId: 'getMirror',
        summary: 'One snapshot: what came, and what became of it',
        params: One,
        response: { 200: SnapshotView, ...PROBLEMS },
      },
    },
    async (request) => {
      const { id: tenantId } = actorOf(request).tenant;
      const dataset = requireIngestDataset(request.params.dataset);
      const of = { tenantId, dataset, id: snapshotIdOf(request.params.id) };
      return describeSnapshot(await database.asTenant(tenantId, (tx) => requireSnapshot(tx, of)));
    },
  );

  server.delete(
    '/v1/ingest/:dataset/mirror/:id',
    {
      config: { access: 'data.load' },
      schema: {
        ...OF,
        operationId: 'discardMirror',
        summary: 'Give up a snapshot that is not committed',
        params: One,
        response: { 204: z.null().describe('Given up.'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, name: endedBy } = actorOf(request);
      const dataset = requireIngestDataset(request.params.dataset);
      const of = { tenantId: tenant.id, dataset, id: snapshotIdOf(request.params.id), endedBy };
      await database.asTenant(tenant.id, (tx) => discardSnapshot(tx, of));
      return reply.code(204).send(null);
    },
  );
}

/** @throws DaybookError `E_DATE`, `E_PERIOD` */
function scopeOf(
  { from, to, prefix }: { from?: string; to?: string; prefix?: string },
  calendar: Calendar,
): MirrorScope {
  const bounded = from !== undefined || to !== undefined;
  const window = bounded ? windowOf(calendar, parsePeriod(from ?? '', to ?? '')) : null;
  return { window, prefix: prefix ?? null };
}
