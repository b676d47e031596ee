import type { RecipientKind } from '../reports/schedule-spec.ts';
import type { Tx } from './database.ts';
import type { RunCursor } from './runs.ts';

/** Deliveries: one file, or one notice, owed to one recipient, each with its own state. */

export type DeliveryPurpose = 'report' | 'amendment' | 'notice' | 'test' | 'digest';

export const DELIVERY_STATES = [
  'pending',
  'sending',
  'sent',
  'failed',
  'in_doubt',
  'held',
  'suppressed',
  'cancelled',
] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What a notice is about; empty for all that have a file. */
export type NoticeTopic = '' | 'held' | 'overdue' | 'failed' | 'missed' | 'skipped' | 'changed';

/** Times are UTC epoch ms. */
export interface DeliveryRow {
  readonly id: string;
  readonly tenantId: string;
  readonly occurrenceId: string;
  /** Null: a notice. */
  readonly reportFileId: string | null;
  readonly recipientKind: RecipientKind;
  /** One address or one URL; a URL may hold a secret. */
  readonly recipient: string;
  readonly purpose: DeliveryPurpose;
  readonly topic: NoticeTopic;
  readonly detail: Readonly<Record<string, unknown>>;
  /** Deliveries of purpose `digest` to one recipient under one id go as one message. */
  readonly digestId: string | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly messageId: string | null;
  readonly notBefore: number;
  readonly lastCode: string | null;
  readonly lastReply: string | null;
  readonly sentAt: number | null;
  readonly createdAt: number;
}

/** The columns of a {@link DeliveryRow}, of `deliveries d`. */
export const DELIVERY_COLUMNS = `
  d.id, d.tenant_id as "tenantId", d.occurrence_id as "occurrenceId",
  d.report_file_id as "reportFileId", d.recipient_kind as "recipientKind", d.recipient, d.purpose,
  d.topic, d.detail, d.digest_id as "digestId", d.state, d.attempts, d.message_id as "messageId",
  floor(extract(epoch from d.not_before) * 1000)::float8 as "notBefore",
  d.last_code as "lastCode", d.last_reply as "lastReply",
  floor(extract(epoch from d.sent_at) * 1000)::float8 as "sentAt",
  floor(extract(epoch from d.created_at) * 1000)::float8 as "createdAt"`;

/** Null for an unknown id, which another tenant's is too. */
export async function findDelivery(tx: Tx, id: string): Promise<DeliveryRow | null> {
  const [row] = await tx.query<DeliveryRow>(
    `select ${DELIVERY_COLUMNS} from daybook.deliveries d where d.id = $1::uuid`,
    [id],
  );
  return row ?? null;
}

/** One page, newest first. Tenant transaction. */
export async function listDeliveries(
  tx: Tx,
  page: {
    readonly limit: number;
    readonly after: RunCursor | null;
    readonly state?: DeliveryState | undefined;
    readonly occurrence?: string | undefined;
    readonly file?: string | undefined;
  },
): Promise<{ deliveries: DeliveryRow[]; next: RunCursor | null }> {
  const rows = await tx.query<DeliveryRow & { micros: string }>(
    `select ${DELIVERY_COLUMNS},
       (extract(epoch from d.created_at) * 1000000)::bigint::text as micros
     from daybook.deliveries d
     where ($2::bigint is null
         or d.created_at <= timestamptz 'epoch' + $2 * interval '1 microsecond'
         and (d.created_at < timestamptz 'epoch' + $2 * interval '1 microsecond'
           or d.id > $3::uuid))
       and ($4::text is null or d.state = $4)
       and ($5::uuid is null or d.occurrence_id = $5)
       and ($6::uuid is null or d.report_file_id = $6)
     order by d.created_at desc, d.id limit $1`,
    [
      page.limit + 1,
      page.after?.createdAtMicros ?? null,
      page.after?.id ?? null,
      page.state ?? null,
      page.occurrence ?? null,
      page.file ?? null,
    ],
  );
  const deliveries = rows.slice(0, page.limit).map(({ micros: _, ...row }) => row);
  const last = rows.length > page.limit ? rows[page.limit - 1] : null;
  return { deliveries, next: last ? { createdAtMicros: last.micros, id: last.id } : null };
}
