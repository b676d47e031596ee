import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { INGEST_DATASETS, type IngestDataset } from '../../ingest/signed/ingest-datasets.ts';
import { SNAPSHOT_STATES } from '../../store/snapshots.ts';
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
