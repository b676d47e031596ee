import type { Tx } from './database.ts';
import type { DeliveryRow, DeliveryState } from './deliveries.ts';

/** What people do with deliveries: send again, call off, try one out. Tenant transactions. */

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

/**
 * Sends again what failed of a run or of an occurrence, by the id of either, and nothing else of it:
 * who has it already gets no second one, and what is held waits for its person. Tests stay.
 * @returns ids of what is owed again
 */
export async function resendFailed(tx: Tx, runOrOccurrence: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `update daybook.deliveries d set state = 'pending', resends = resends + 1, not_before = now(),
       owed_since = now()
     where d.state = 'failed' and d.purpose <> 'test' and (d.occurrence_id = $1::uuid
       or exists (select from daybook.report_files f where f.tenant_id = d.tenant_id
         and f.id = d.report_file_id and f.run_id = $1::uuid))
     returning d.id`,
    [runOrOccurrence],
  );
  return rows.map(({ id }) => id).sort();
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
