import type { Tx } from './database.ts';

/** Rows that nobody asks for any more, a batch per call. System transactions. */

/** Answers under an `Idempotency-Key` are given again for this long: 24 h. */
export const IDEMPOTENCY_KEY_MS = 24 * 3_600_000;
/** Totals of rows that have changed since are kept for runs under way, and to look at: 7 days. */
export const SUPERSEDED_TOTALS_MS = 7 * 86_400_000;
/** Totals that nobody asked for in this long: 400 days, so that a yearly report finds its own. */
export const UNUSED_TOTALS_MS = 400 * 86_400_000;
/** A batch that was loaded is known again for this long, by its id: 90 days. */
export const INGEST_BATCH_MS = 90 * 86_400_000;

export async function deleteIdempotencyKeys(tx: Tx, before: number, limit: number) {
  return tx.run(
    `delete from daybook.idempotency_keys k using (
       select tenant_id, principal, key from daybook.idempotency_keys
       where created_at < $1 limit $2 for update skip locked) old
     where k.tenant_id = old.tenant_id and k.principal = old.principal and k.key = old.key`,
    [new Date(before).toISOString(), limit],
  );
}

/** Totals of a window of which newer rows have had totals since `before`. */
export async function deleteSupersededTotals(tx: Tx, before: number, limit: number) {
  return tx.run(
    `delete from daybook.part_totals t using (
       select o.tenant_id, o.key from daybook.part_totals o
       where exists (
         select from daybook.part_totals n
         where n.tenant_id = o.tenant_id and n.dataset = o.dataset
           and n.window_start = o.window_start and n.window_end = o.window_end
           and n.rows_key <> o.rows_key and n.created_at > o.created_at and n.created_at < $1)
       limit $2 for update skip locked) old
     where t.tenant_id = old.tenant_id and t.key = old.key`,
    [new Date(before).toISOString(), limit],
  );
}

export async function deleteUnusedTotals(tx: Tx, before: number, limit: number) {
  return tx.run(
    `delete from daybook.part_totals t using (
       select tenant_id, key from daybook.part_totals
       where last_used_at < $1 limit $2 for update skip locked) old
     where t.tenant_id = old.tenant_id and t.key = old.key`,
    [new Date(before).toISOString(), limit],
  );
}
