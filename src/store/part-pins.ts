import type { Tx } from './database.ts';

/**
 * What live runs and sealed files need of the part store. An attempt of a run pins the files that it
 * finds or makes, in the transaction in which it does; the pin holds as long as the attempt's lease.
 * Nobody has to take it away: that of a dead run ends with its lease. The rows that sealed files were
 * made of are pinned while those are retained, by key: `sealed-parts.ts`.
 */

/** One attempt of a run. */
export interface PinHolder {
  readonly runId: string;
  readonly leaseToken: string;
}

/**
 * A common table expression `pinned (tenant_id, path)`: all that may not be evicted now. Whatever
 * else comes to keep parts joins this union.
 */
export const PINNED = `pinned as materialized (
  select distinct pin.tenant_id, file.path
  from daybook.part_pins pin
  join daybook.runs r on r.tenant_id = pin.tenant_id and r.id = pin.run_id
  cross join unnest(pin.paths) as file (path)
  where r.state = 'running' and r.lease_token = pin.lease_token and r.lease_until >= now()
  union all
  select p.tenant_id, p.path from daybook.sealed_parts s
  join daybook.parts p on p.tenant_id = s.tenant_id and p.key = s.key
  where s.retained_until > now())`;

/** In a tenant's transaction, the one that found or recorded these files. */
export async function pinParts(
  tx: Tx,
  tenantId: string,
  holder: PinHolder,
  paths: readonly string[],
): Promise<void> {
  if (paths.length === 0) return;
  await tx.run(
    `insert into daybook.part_pins (tenant_id, run_id, lease_token, paths)
     values ($1, $2, $3, $4)`,
    [tenantId, holder.runId, holder.leaseToken, paths],
  );
}

/** Removes pins of attempts that are over for good; a lease that ran out may still be prolonged. */
export async function dropDeadPins(tx: Tx): Promise<number> {
  return tx.run(
    `delete from daybook.part_pins pin using daybook.runs r
     where r.tenant_id = pin.tenant_id and r.id = pin.run_id
       and (r.state <> 'running' or r.lease_token <> pin.lease_token)`,
  );
}
