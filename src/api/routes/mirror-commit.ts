import { z } from 'zod';
import { commitSnapshot } from '../../ingest/mirror/commit-snapshot.ts';
import { demand } from '../../principals/permissions.ts';
import { actorOf } from '../access.ts';
import { MirrorResultView, requireIngestDataset, snapshotIdOf } from '../ingest/mirror-views.ts';
import { requestSignal } from '../request-signal.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** A client that waits longer may ask again: the answer stays. */
const COMMIT_MS = 30 * 60_000;

/** The commit of a snapshot: all of it, or nothing and the reason. */
export function mirrorCommitRoutes({ server, deps, closing }: RouteContext): void {
  const { database } = deps;
  server.post(
    '/v1/ingest/:dataset/mirror/:id/commit',
    {
      config: { access: 'data.load' },
      schema: {
        operationId: 'commitMirror',
        tags: ['ingest'],
        summary: 'Apply a snapshot: insert, update, and delete what it does not name',
        description:
          'In one transaction. Where it is short of `rows`, has refused rows, is empty or would ' +
          'delete too much: 409 `E_MIRROR_REFUSED` with the numbers; nothing is changed, and the ' +
          'snapshot waits. `allow_deletes` and `allow_rejects` need the right `mirror.override`. ' +
          'Again: the same answer.',
        headers: TENANT_HEADERS,
        params: z.object({ dataset: z.string(), id: z.string() }),
        body: z.strictObject({
          rows: z.int().min(0).describe('How many different rows there are.'),
          complete_through: z.iso.datetime({ offset: true }).optional(),
          allow_deletes: z.union([z.int().min(0), z.literal('all')]).optional(),
          allow_rejects: z.int().min(0).optional(),
        }),
        response: { 200: MirrorResultView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant, principal, name: requestedBy } = actorOf(request);
      const { rows, complete_through: mark, allow_deletes, allow_rejects } = request.body;
      if (allow_deletes !== undefined || allow_rejects !== undefined) {
        demand(principal, 'mirror.override');
      }
      return commitSnapshot(
        {
          tenant,
          dataset: requireIngestDataset(request.params.dataset),
          id: snapshotIdOf(request.params.id),
          stated: rows,
          completeThrough: mark === undefined ? null : Date.parse(mark),
          leave: { deletes: allow_deletes ?? null, rejects: allow_rejects ?? null },
          requestedBy,
        },
        { database, signal: requestSignal(reply.raw, closing, COMMIT_MS) },
      );
    },
  );
}
