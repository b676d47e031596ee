import { z } from 'zod';
import {
  type CommitResult,
  commitSnapshot,
  type SnapshotCommit,
} from '../../ingest/mirror/commit-snapshot.ts';
import { demand } from '../../principals/permissions.ts';
import { actorOf } from '../access.ts';
import { MirrorResultView, requireIngestDataset, snapshotIdOf } from '../ingest/mirror-views.ts';
import { deadlineSignal } from '../request-signal.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** A commit takes no longer. A client that waits less may ask again: the answer stays. */
const COMMIT_MS = 30 * 60_000;

/** The commit of a snapshot: all of it, or nothing and the reason. */
export function mirrorCommitRoutes({ server, deps, closing }: RouteContext): void {
  const { database } = deps;
  // A client that leaves does not end its commit, or one that is slower than somebody's patience
  // would never end well. Whoever asks for the same one meanwhile waits for the same answer.
  const underWay = new Map<string, Promise<CommitResult>>();

  function commitOnce(commit: SnapshotCommit): Promise<CommitResult> {
    const { tenant, dataset, id, stated, completeThrough, leave } = commit;
    const same = JSON.stringify([tenant.id, dataset, id, stated, completeThrough, leave]);
    const begun = underWay.get(same);
    if (begun) return begun;
    const deadline = deadlineSignal(closing, COMMIT_MS);
    const committing = commitSnapshot(commit, { database, signal: deadline.signal }).finally(() => {
      deadline.release();
      underWay.delete(same);
    });
    underWay.set(same, committing);
    return committing;
  }

  server.post(
    '/v1/ingest/:dataset/mirror/:id/commit',
    {
      config: { access: 'data.load' },
      schema: {
        operationId: 'commitMirror',
        tags: ['ingest'],
        summary: 'Apply a snapshot: insert, update, and delete what it does not name',
        description:
          'In one transaction, which goes on when the client leaves. Where it is short of `rows`, ' +
          'has refused rows, is empty or would delete too much: 409 `E_MIRROR_REFUSED` with the ' +
          'numbers; nothing is changed, and the snapshot waits. `allow_deletes` and ' +
          '`allow_rejects` need the right `mirror.override`. Again: the same answer.',
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
    async (request) => {
      const { tenant, principal, name: requestedBy } = actorOf(request);
      const { rows, complete_through: mark, allow_deletes, allow_rejects } = request.body;
      if (allow_deletes !== undefined || allow_rejects !== undefined) {
        demand(principal, 'mirror.override');
      }
      return commitOnce({
        tenant,
        dataset: requireIngestDataset(request.params.dataset),
        id: snapshotIdOf(request.params.id),
        stated: rows,
        completeThrough: mark === undefined ? null : Date.parse(mark),
        leave: { deletes: allow_deletes ?? null, rejects: allow_rejects ?? null },
        requestedBy,
      });
    },
  );
}
