import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** Secret addresses that start something. Of a token only its SHA-256 is kept. */

export interface Trigger {
  readonly id: string;
  readonly name: string;
  readonly connectorId: string | null;
  readonly scheduleId: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly fires: number;
  readonly lastFiredAt: Date | null;
}

const COLUMNS = `id, name, connector_id as "connectorId", schedule_id as "scheduleId",
  created_by as "createdBy", created_at as "createdAt", fires::float8 as fires,
  last_fired_at as "lastFiredAt"`;

/** @throws DaybookError `E_NOT_FOUND` when what it starts is not there */
export async function insertTrigger(
  tx: Tx,
  of: {
    readonly tenantId: string;
    readonly name: string;
    readonly connectorId: string | null;
    readonly scheduleId: string | null;
    readonly tokenSha256: Buffer;
    readonly by: string;
  },
): Promise<Trigger> {
  const [row] = await tx.query<Trigger>(
    `insert into daybook.triggers (tenant_id, name, connector_id, schedule_id, token_sha256, created_by)
     select $1::uuid, $2, $3::uuid, $4::uuid, $5::bytea, $6
     where exists (select from daybook.connectors where id = $3::uuid)
       or exists (select from daybook.schedules where id = $4::uuid and removed_at is null)
     returning ${COLUMNS}`,
    [of.tenantId, of.name, of.connectorId, of.scheduleId, of.tokenSha256, of.by],
  );
  if (row) return row;
  const what = of.connectorId === null ? 'schedule' : 'connector';
  throw new DaybookError('E_NOT_FOUND', { what, got: of.connectorId ?? of.scheduleId ?? '' });
}

export async function listTriggers(tx: Tx): Promise<Trigger[]> {
  return tx.query<Trigger>(`select ${COLUMNS} from daybook.triggers order by created_at, id`);
}

/** False: there is none. */
export async function removeTrigger(tx: Tx, id: string): Promise<boolean> {
  return (await tx.run('delete from daybook.triggers where id = $1', [id])) === 1;
}

/** Whose token it is; null: nobody's. System transaction. */
export async function findTrigger(
  tx: Tx,
  tokenSha256: Buffer,
): Promise<{ tenantId: string; id: string } | null> {
  const [found] = await tx.query<{ tenantId: string; id: string }>(
    'select tenant_id as "tenantId", id from daybook.triggers where token_sha256 = $1',
    [tokenSha256],
  );
  return found ?? null;
}

/** Null: it fired less than a second ago, or is gone. */
export async function fireTrigger(tx: Tx, id: string): Promise<Trigger | null> {
  const [fired] = await tx.query<Trigger>(
    `update daybook.triggers set fires = fires + 1, last_fired_at = clock_timestamp()
     where id = $1 and (last_fired_at is null
       or last_fired_at <= clock_timestamp() - interval '1 second')
     returning ${COLUMNS}`,
    [id],
  );
  return fired ?? null;
}
