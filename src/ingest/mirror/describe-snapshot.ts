import type { Snapshot } from '../../store/snapshots.ts';
import type { CommitResult } from './commit-snapshot.ts';

/** A snapshot as people are shown it, over HTTP and by the command alike. */
export function describeSnapshot(snapshot: Snapshot) {
  const { window, prefix } = snapshot.scope;
  const isoOf = (ms: number) => new Date(ms).toISOString();
  return {
    id: snapshot.id,
    dataset: snapshot.dataset,
    source: snapshot.source,
    scope: {
      window: window && { start: isoOf(window.start), end: isoOf(window.end) },
      prefix,
    },
    state: snapshot.state,
    parts: snapshot.parts,
    rows: snapshot.rows,
    opened_by: snapshot.openedBy,
    opened_at: snapshot.openedAt.toISOString(),
    expires_at: snapshot.expiresAt.toISOString(),
    ended_by: snapshot.endedBy,
    ended_at: snapshot.endedAt?.toISOString() ?? null,
    refusal: snapshot.refusal,
    result: snapshot.result as CommitResult | null,
  };
}
