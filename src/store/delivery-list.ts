import type { Tx } from './database.ts';
import { DELIVERY_COLUMNS, type DeliveryRow, type DeliveryState } from './deliveries.ts';

/** Deliveries as people look at them, and what people do with them. Tenant transactions. */

export interface ListedDelivery extends DeliveryRow {
  readonly scheduleId: string;
  readonly scheduleName: string;
  /** Null: a notice. */
  readonly file: {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly revision: number;
  } | null;
}

export interface DeliveryCursor {
  readonly createdAtMicros: string;
  readonly id: string;
}

const LISTED = `${DELIVERY_COLUMNS}, s.id as "scheduleId", s.name as "scheduleName",
  case when f.id is not null then json_build_object('name', f.name, 'bytes', f.bytes,
    'sha256', f.sha256, 'revision', f.revision) end as file`;
const FROM = `
  from daybook.deliveries d
  join daybook.occurrences o on o.tenant_id = d.tenant_id and o.id = d.occurrence_id
  join daybook.schedules s on s.tenant_id = o.tenant_id and s.id = o.schedule_id
  left join daybook.report_files f on f.tenant_id = d.tenant_id and f.id = d.report_file_id`;

/** Newest first. */
export async function listDeliveries(
  tx: Tx,
  page: {
    readonly limit: number;
    readonly cursor: DeliveryCursor | null;
    readonly state?: DeliveryState | undefined;
    readonly scheduleId?: string | undefined;
    readonly occurrenceId?: string | undefined;
    readonly reportFileId?: string | undefined;
  },
): Promise<{ deliveries: ListedDelivery[]; next: DeliveryCursor | null }> {
  const rows = await tx.query<ListedDelivery & { micros: string }>(
    `select ${LISTED}, floor(extract(epoch from d.created_at) * 1000000)::text as micros ${FROM}
     where ($1::text is null or d.state = $1) and ($2::uuid is null or o.schedule_id = $2)
       and ($6::uuid is null or d.occurrence_id = $6) and ($7::uuid is null or d.report_file_id = $7)
       and ($3::float8 is null or (d.created_at, d.id) < (
         timestamptz 'epoch' + $3::float8 * interval '1 microsecond', $4::uuid))
     order by d.created_at desc, d.id desc limit $5`,
    [
      page.state ?? null,
      page.scheduleId ?? null,
      page.cursor?.createdAtMicros ?? null,
      page.cursor?.id ?? null,
      page.limit + 1,
      page.occurrenceId ?? null,
      page.reportFileId ?? null,
    ],
  );
  const last = rows.length > page.limit ? rows[page.limit - 1] : undefined;
  return {
    deliveries: rows.slice(0, page.limit),
    next: last ? { createdAtMicros: last.micros, id: last.id } : null,
  };
}

/** Null for an unknown id, which another tenant's is too. */
export async function findListedDelivery(tx: Tx, id: string): Promise<ListedDelivery | null> {
  const [row] = await tx.query<ListedDelivery>(`select ${LISTED} ${FROM} where d.id = $1::uuid`, [
    id,
  ]);
  return row ?? null;
}

/** States that a person may have sent again: where it ended, and where a person is waited for. */
export const RESENDABLE: readonly DeliveryState[] = ['failed', 'held'];
/** States that a person may call off. */
export const CANCELLABLE: readonly DeliveryState[] = ['pending', 'in_doubt', 'held'];

/** Sends it again under another Message-ID. False: it is in none of {@link RESENDABLE} any more. */
export async function resendDelivery(tx: Tx, id: string): Promise<boolean> {
  const moved = await tx.run(
    `update daybook.deliveries set state = 'pending', resends = resends + 1, not_before = now(),
       owed_since = now()
     where id = $1::uuid and state = any($2)`,
    [id, RESENDABLE],
  );
  return moved === 1;
}

/** False: it is in none of {@link CANCELLABLE} any more. */
export async function cancelDelivery(tx: Tx, id: string): Promise<boolean> {
  const moved = await tx.run(
    `update daybook.deliveries set state = 'cancelled' where id = $1::uuid and state = any($2)`,
    [id, CANCELLABLE],
  );
  return moved === 1;
}

/**
 * Owes the newest sealed file of a schedule, one that every recipient may see before one that is
 * narrowed, to somebody once more, as a test. Null: nothing of it was sealed yet.
 */
export async function oweTest(
  tx: Tx,
  of: {
    readonly scheduleId: string;
    readonly kind: DeliveryRow['recipientKind'];
    readonly recipient: string;
  },
): Promise<string | null> {
  const [row] = await tx.query<{ id: string }>(
    `insert into daybook.deliveries
       (tenant_id, occurrence_id, report_file_id, recipient_kind, recipient, purpose)
     select f.tenant_id, f.occurrence_id, f.id, $2, $3, 'test'
     from daybook.report_files f
     join daybook.occurrences o on o.tenant_id = f.tenant_id and o.id = f.occurrence_id
     where o.schedule_id = $1::uuid and f.removed_at is null
     order by f.sealed_at desc, jsonb_array_length(f.recipients) desc, f.id limit 1
     returning id`,
    [of.scheduleId, of.kind, of.recipient],
  );
  return row?.id ?? null;
}
