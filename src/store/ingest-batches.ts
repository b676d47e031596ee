import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** Batches as people and senders see them. */

export const BATCH_STATES = ['queued', 'loading', 'loaded', 'dead', 'discarded'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

export interface IngestBatch {
  readonly id: string;
  /** A whole number as text; later batches have greater ones. */
  readonly seq: string;
  readonly dataset: string;
  readonly kind: 'rows' | 'mark';
  readonly source: string;
  readonly messageId: string;
  readonly keyId: string;
  readonly completeThrough: Date | null;
  readonly rows: number;
  readonly state: BatchState;
  readonly failures: number;
  readonly notBefore: Date;
  readonly receivedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly loadId: string | null;
  /** Null until it is loaded. */
  readonly loaded: number | null;
  readonly updated: number | null;
  readonly unchanged: number | null;
  readonly superseded: number | null;
  readonly rejected: number | null;
  readonly days: number | null;
  readonly firstReject: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

const COLUMNS = `id, seq::text, dataset, kind, source, message_id as "messageId",
  key_id as "keyId", complete_through as "completeThrough", row_count::float8 as rows, state,
  failures, not_before as "notBefore", received_at as "receivedAt", started_at as "startedAt",
  ended_at as "endedAt", load_id as "loadId", loaded::float8, updated::float8, unchanged::float8,
  superseded::float8, rejected::float8, days, first_reject as "firstReject",
  error_code as "errorCode", error_message as "errorMessage"`;

export interface BatchFilter {
  readonly tenantId: string;
  readonly dataset?: string;
  readonly state?: BatchState;
  /** Only those before this one. */
  readonly beforeSeq?: string;
  readonly limit: number;
}

/** Newest first. */
export async function listIngestBatches(tx: Tx, filter: BatchFilter): Promise<IngestBatch[]> {
  return tx.query<IngestBatch>(
    `select ${COLUMNS} from daybook.ingest_batches
     where tenant_id = $1 and ($2::text is null or dataset = $2)
       and ($3::text is null or state = $3) and ($4::bigint is null or seq < $4)
     order by ingest_batches.seq desc limit $5`,
    [
      filter.tenantId,
      filter.dataset ?? null,
      filter.state ?? null,
      filter.beforeSeq ?? null,
      filter.limit,
    ],
  );
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireIngestBatch(
  tx: Tx,
  tenantId: string,
  id: string,
): Promise<IngestBatch> {
  const [batch] = await tx.query<IngestBatch>(
    `select ${COLUMNS} from daybook.ingest_batches where tenant_id = $1 and id = $2`,
    [tenantId, id],
  );
  if (batch) return batch;
  throw new DaybookError('E_NOT_FOUND', { what: 'batch', got: id });
}

/**
 * A dead batch waits again, in its old place.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` for one that is not dead
 */
export async function retryIngestBatch(tx: Tx, tenantId: string, id: string): Promise<void> {
  const moved = await tx.run(
    `update daybook.ingest_batches
     set state = 'queued', ended_at = null, failures = 0, lost = 0, not_before = now()
     where tenant_id = $1 and id = $2 and state = 'dead'`,
    [tenantId, id],
  );
  if (moved === 0) await explainNotDead(tx, tenantId, id);
}

/**
 * A dead batch is given up for good, so that marks behind it can move on. Its bytes go.
 * @throws DaybookError `E_NOT_FOUND`; `E_CONFLICT` for one that is not dead
 */
export async function discardIngestBatch(tx: Tx, tenantId: string, id: string): Promise<void> {
  const moved = await tx.run(
    `update daybook.ingest_batches set state = 'discarded', ended_at = now()
     where tenant_id = $1 and id = $2 and state = 'dead'`,
    [tenantId, id],
  );
  if (moved === 0) await explainNotDead(tx, tenantId, id);
  await tx.run('delete from daybook.ingest_pieces where tenant_id = $1 and batch_id = $2', [
    tenantId,
    id,
  ]);
}

async function explainNotDead(tx: Tx, tenantId: string, id: string): Promise<never> {
  const { state } = await requireIngestBatch(tx, tenantId, id);
  throw new DaybookError('E_CONFLICT', {
    where: `batch ${id}`,
    reason: `it is ${state}, not dead`,
  });
}
