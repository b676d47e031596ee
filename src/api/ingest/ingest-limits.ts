import type { BodyLimits } from '../../ingest/signed/pack-body.ts';
import type { QueueLimits } from '../../store/ingest-arrivals.ts';

/** What one batch, one tenant and all tenants may ask of the queue. */
export interface IngestLimits {
  /** Of a body as it is sent. */
  readonly sentBytes: number;
  readonly body: BodyLimits;
  readonly ofTenant: QueueLimits;
  readonly ofAll: QueueLimits;
  /** Of all bodies that a process receives at once. */
  readonly underWayBytes: number;
}

const MIB = 2 ** 20;

export const INGEST_LIMITS: IngestLimits = {
  sentBytes: 8 * MIB,
  body: { rawBytes: 64 * MIB, rows: 100_000, rowBytes: MIB, depth: 32 },
  ofTenant: { batches: 500, storedBytes: 512 * MIB },
  ofAll: { batches: 20_000, storedBytes: 8192 * MIB },
  underWayBytes: 32 * MIB,
};
