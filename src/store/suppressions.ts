import type { Tx } from './database.ts';

/** Who gets nothing any more. Addresses are in lower case. Tenant transactions. */

export interface Suppression {
  readonly id: string;
  readonly recipient: string;
  /** Null: of the tenant at all. */
  readonly scheduleId: string | null;
  readonly reason: 'unsubscribed' | 'bounced';
  readonly detail: string | null;
  /** UTC epoch ms. */
  readonly createdAt: number;
}

/** Once is enough; the first reason stays. */
export async function suppress(
  tx: Tx,
  of: {
    readonly tenantId: string;
    readonly recipient: string;
    readonly scheduleId: string | null;
    readonly reason: Suppression['reason'];
    readonly detail: string | null;
  },
): Promise<void> {
  await tx.run(
    `insert into daybook.suppressions (tenant_id, recipient, schedule_id, reason, detail)
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [of.tenantId, of.recipient, of.scheduleId, of.reason, of.detail],
  );
}

/** Why a recipient gets nothing of a schedule; null: it does. */
export async function findSuppression(
  tx: Tx,
  of: { readonly recipient: string; readonly scheduleId: string },
): Promise<Suppression | null> {
  const [row] = await tx.query<Suppression>(
    `select ${COLUMNS} from daybook.suppressions
     where recipient = $1 and (schedule_id is null or schedule_id = $2)
     order by created_at limit 1`,
    [of.recipient, of.scheduleId],
  );
  return row ?? null;
}

/** Newest first. */
export async function listSuppressions(tx: Tx): Promise<Suppression[]> {
  return tx.query(
    `select ${COLUMNS} from daybook.suppressions order by created_at desc, id limit 1000`,
  );
}

/** False: there is none of that id. */
export async function liftSuppression(tx: Tx, id: string): Promise<boolean> {
  return (await tx.run('delete from daybook.suppressions where id = $1::uuid', [id])) === 1;
}

const COLUMNS = `id, recipient, schedule_id as "scheduleId", reason, detail,
  floor(extract(epoch from created_at) * 1000)::float8 as "createdAt"`;
