import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { INGEST_DATASETS, type IngestDataset } from '../../ingest/signed/ingest-datasets.ts';
import { SNAPSHOT_STATES, type Snapshot } from '../../store/snapshots.ts';
import { isUuid } from '../uuid.ts';

/** Snapshots and what their commit did, as the API shows them. */

const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);
const instant = z.string().meta({ format: 'date-time' });

export const MirrorResultView = z.object({
  loaded: z.number(),
  updated: z.number(),
  unchanged: z.number(),
  removed: z.number().describe('Rows in scope that the snapshot did not name.'),
  superseded: z.number(),
  rejected: z.number(),
  days: z.number(),
  first_reject: orNull(z.string()),
  complete_through: orNull(z.string()),
});

export const SnapshotView = z.object({
  id: z.string(),
  dataset: z.string(),
  source: z.string(),
  scope: z.object({
    window: orNull(z.object({ start: instant, end: instant })).describe('Half-open.'),
    prefix: orNull(z.string()),
  }),
  state: z.enum(SNAPSHOT_STATES).describe('refused: it waits for missing parts, or for a person.'),
  parts: z.number(),
  rows: z.number().describe('As they were counted when they came.'),
  opened_by: z.string(),
  opened_at: instant,
  expires_at: instant.describe('What has not ended by then is discarded.'),
  ended_by: orNull(z.string()),
  ended_at: orNull(instant),
  refusal: orNull(z.string()),
  result: orNull(MirrorResultView),
});

export function viewSnapshot(snapshot: Snapshot): z.infer<typeof SnapshotView> {
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
    result: snapshot.result as z.infer<typeof MirrorResultView> | null,
  };
}

/** @throws DaybookError `E_NOT_FOUND` */
export function requireIngestDataset(name: string): IngestDataset {
  const dataset = INGEST_DATASETS.find((each) => each === name);
  if (dataset) return dataset;
  const got = JSON.stringify(name.slice(0, 100));
  throw new DaybookError('E_NOT_FOUND', { what: 'dataset', got });
}

/** Ids that cannot exist are unknown ids. @throws DaybookError `E_NOT_FOUND` */
export function snapshotIdOf(id: string): string {
  if (isUuid(id)) return id;
  throw new DaybookError('E_NOT_FOUND', { what: 'snapshot', got: id.slice(0, 100) });
}
