import { DaybookError } from '../../errors.ts';
import type { DatasetName } from '../../reports/dataset.ts';
import type { Database, Tx } from '../../store/database.ts';
import { readDatasetSettings } from '../../store/dataset-settings.ts';
import { storeLoads } from '../../store/loads.ts';
import type { MirrorLeave } from '../../store/mirror-guard.ts';
import {
  endSnapshot,
  holdSnapshot,
  noteRefusal,
  requireSnapshot,
  type Snapshot,
} from '../../store/snapshots.ts';
import { readKnownSkus } from '../known-skus.ts';
import { type LoadRequest, type LoadResult, loadRows } from '../load-rows.ts';
import { spoolSnapshot } from './spool-snapshot.ts';

/** The end of a snapshot: all of it in one transaction, or nothing and the reason. */

export interface SnapshotCommit {
  readonly tenant: LoadRequest['tenant'];
  readonly dataset: DatasetName;
  readonly id: string;
  /** How many different rows the sender says there are. */
  readonly stated: number;
  /** UTC epoch ms; null: not said. */
  readonly completeThrough: number | null;
  readonly leave: MirrorLeave;
  readonly requestedBy: string;
}

export type CommitResult = Omit<LoadResult, 'load_id' | 'flagged'>;

/**
 * Committing once more gives the same answer. What the guard holds back is kept, with its reason,
 * so that missing parts can be sent, or a person can look and give leave.
 * @throws DaybookError `E_MIRROR_REFUSED`; `E_NOT_FOUND`; `E_CONFLICT` when it was discarded, or a
 * part came in between; what a load throws
 */
export async function commitSnapshot(
  commit: SnapshotCommit,
  { database, signal }: { readonly database: Database; readonly signal: AbortSignal },
): Promise<CommitResult> {
  const { tenant, id, dataset } = commit;
  const tenantId = tenant.id;
  const within = <T>(work: (tx: Tx) => Promise<T>) => database.asTenant(tenantId, work);
  const snapshot = await within((tx) => requireSnapshot(tx, { tenantId, dataset, id }));
  if (snapshot.state === 'committed') return snapshot.result as CommitResult;
  const { mirror: limits } = await within((tx) => readDatasetSettings(tx, tenantId, dataset));
  const knownSkus = await within((tx) => readKnownSkus(tx, tenantId, dataset));
  const spool = await spoolSnapshot(within, { tenantId, id }, signal);
  const outcome: { result: CommitResult | null } = { result: null };
  try {
    const store = storeLoads(database, {
      first: async (tx) => {
        const held = await holdSnapshot(tx, tenantId, id);
        if (held.state === 'committed') {
          outcome.result = held.result as CommitResult;
          throw COMMITTED_MEANWHILE;
        }
        demandSame(held, snapshot);
      },
      last: async (tx, stored, staged) => {
        outcome.result = {
          loaded: stored.loaded,
          updated: stored.updated,
          unchanged: stored.unchanged,
          rejected: staged.rejected,
          days: staged.days,
          superseded: stored.superseded,
          removed: stored.removed,
          first_reject: staged.firstReject ?? null,
          complete_through:
            stored.completeThrough === null ? null : new Date(stored.completeThrough).toISOString(),
        };
        const end = { tenantId, id, endedBy: commit.requestedBy };
        await endSnapshot(tx, end, { state: 'committed', result: outcome.result });
      },
    });
    await loadRows(
      spool.open(),
      {
        tenant,
        dataset,
        name: `snapshot ${id}`,
        format: 'ndjson',
        map: snapshot.map,
        requestedBy: commit.requestedBy,
        completeThrough: commit.completeThrough,
        knownSkus,
        mirror: { scope: snapshot.scope, limits, leave: commit.leave, stated: commit.stated },
      },
      { store, signal },
    );
  } catch (error) {
    if (error === COMMITTED_MEANWHILE && outcome.result !== null) return outcome.result;
    if (error instanceof DaybookError && error.code === 'E_MIRROR_REFUSED') {
      await within((tx) => noteRefusal(tx, tenantId, id, String(error.details['reason'])));
    }
    throw error;
  } finally {
    await spool.close();
  }
  if (outcome.result !== null) return outcome.result;
  throw new DaybookError('E_INTERNAL', { reason: 'a commit ended without a result' });
}

const COMMITTED_MEANWHILE = new Error('another commit of the snapshot was first');

function demandSame(held: Snapshot, read: Snapshot): void {
  if (held.parts === read.parts) return;
  throw new DaybookError('E_CONFLICT', {
    where: `snapshot ${held.id}`,
    reason: 'a part came while it was being committed; commit it again',
  });
}
