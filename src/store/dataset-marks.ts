import type { Tx } from './database.ts';

/** How far a dataset is known to be complete, by an explicit mark; null: nobody ever said. */
export async function findCompleteThrough(tx: Tx, dataset: string): Promise<number | null> {
  const [row] = await tx.query<{ ms: string }>(
    `select (extract(epoch from min(complete_through)) * 1000)::bigint as ms
     from daybook.dataset_marks where dataset = $1`,
    [dataset],
  );
  return row?.ms == null ? null : Number(row.ms);
}

/** The database's clock, UTC epoch ms. */
export async function databaseNow(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ ms: string }>(
    'select (extract(epoch from now()) * 1000)::bigint as ms',
  );
  return Number(row.ms);
}

/** Both in one round trip. */
export async function findClockAndMark(
  tx: Tx,
  dataset: string,
): Promise<{ readonly now: number; readonly completeThrough: number | null }> {
  const [row] = await tx.query<{ now_ms: string; mark_ms: string | null }>(
    `select (extract(epoch from now()) * 1000)::bigint as now_ms,
       (extract(epoch from min(complete_through)) * 1000)::bigint as mark_ms
     from daybook.dataset_marks where dataset = $1`,
    [dataset],
  );
  const { now_ms, mark_ms } = row;
  return { now: Number(now_ms), completeThrough: mark_ms === null ? null : Number(mark_ms) };
}
