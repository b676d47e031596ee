import type { Tx } from './database.ts';
import type { DayKeys } from './report-files.ts';

/** Rows parts that sealed files were made of. They are not evicted while one of those is retained. */

/** In a tenant's transaction, the one that commits the file. `until` is UTC epoch ms. */
export async function sealParts(
  tx: Tx,
  tenantId: string,
  dayKeys: DayKeys,
  until: number,
): Promise<void> {
  const keys = [...new Set(dayKeys.map(([, key]) => key))].filter((key) => key !== '').sort();
  if (keys.length === 0) return;
  await tx.run(
    `insert into daybook.sealed_parts as s (tenant_id, key, retained_until)
     select $1, key, timestamptz 'epoch' + $3::float8 * interval '1 millisecond'
     from unnest($2::text[]) as key
     on conflict (tenant_id, key) do update
       set retained_until = greatest(s.retained_until, excluded.retained_until)`,
    [tenantId, keys, until],
  );
}

/** Those whose files are past their retention. System transaction; `now` is UTC epoch ms. */
export async function deleteUnsealedParts(tx: Tx, now: number, limit: number): Promise<number> {
  return tx.run(
    `delete from daybook.sealed_parts s using (
       select tenant_id, key from daybook.sealed_parts
       where retained_until <= $1 limit $2 for update skip locked) old
     where s.tenant_id = old.tenant_id and s.key = old.key`,
    [new Date(now).toISOString(), limit],
  );
}
