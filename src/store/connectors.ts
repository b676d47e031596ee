import { DaybookError } from '../errors.ts';
import type { Tx } from './database.ts';

/** Connectors of a tenant: what is fetched from where, and how far it has come. Tenant transactions. */

export interface Connector {
  readonly id: string;
  readonly name: string;
  /** Checked when it was saved. */
  readonly spec: unknown;
  readonly hasSecret: boolean;
  readonly active: boolean;
  /** UTC epoch ms; null: only when somebody says so. */
  readonly nextDue: number | null;
  readonly since: string | null;
  readonly createdBy: string;
  readonly changedBy: string;
  readonly changedAt: Date;
}

/** When a connector is due next. */
export interface NextDue {
  readonly nominal: string;
  /** UTC epoch ms. */
  readonly instant: number;
}

const MOST_CONNECTORS = 500;

const COLUMNS = `id, name, spec, sealed_secret is not null as "hasSecret", active, since,
  floor(extract(epoch from next_due) * 1000)::float8 as "nextDue", created_by as "createdBy",
  changed_by as "changedBy", changed_at as "changedAt"`;

export async function listConnectors(tx: Tx): Promise<Connector[]> {
  return tx.query<Connector>(`select ${COLUMNS} from daybook.connectors order by name collate "C"`);
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireConnector(tx: Tx, id: string): Promise<Connector> {
  const [found] = await tx.query<Connector>(
    `select ${COLUMNS} from daybook.connectors where id = $1`,
    [id],
  );
  if (found) return found;
  throw new DaybookError('E_NOT_FOUND', { what: 'connector', got: id.slice(0, 100) });
}

/** Null: it has none. */
export async function findSealedSecret(tx: Tx, id: string): Promise<Buffer | null> {
  const [found] = await tx.query<{ sealed: Buffer | null }>(
    'select sealed_secret as sealed from daybook.connectors where id = $1',
    [id],
  );
  return found?.sealed ?? null;
}

export interface SavedConnector {
  readonly tenantId: string;
  readonly id: string;
  readonly name: string;
  readonly spec: unknown;
  /** Null: none; undefined: the one that is kept. */
  readonly sealedSecret: Buffer | null | undefined;
  readonly active: boolean;
  readonly next: NextDue | null;
  readonly by: string;
}

/** @throws DaybookError `E_CONFLICT` when the name is taken; `E_INVALID` when there are too many */
export async function insertConnector(tx: Tx, saved: SavedConnector): Promise<Connector> {
  await tx.query('select from daybook.tenants where id = $1 for update', [saved.tenantId]);
  const [{ count }] = await tx.query<{ count: number }>(
    'select count(*)::int as count from daybook.connectors',
  );
  if (count >= MOST_CONNECTORS) {
    throw new DaybookError('E_INVALID', {
      where: 'connectors',
      got: 'one more',
      expected: `at most ${MOST_CONNECTORS}`,
    });
  }
  const [row] = await tx.query<Connector>(
    `insert into daybook.connectors (tenant_id, id, name, spec, sealed_secret, active, next_due,
       next_nominal, created_by, changed_by)
     values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), $8, $9, $9)
     on conflict (tenant_id, name) do nothing returning ${COLUMNS}`,
    [
      ...[saved.tenantId, saved.id, saved.name, JSON.stringify(saved.spec)],
      ...[saved.sealedSecret ?? null, saved.active],
      ...[saved.next?.instant ?? null, saved.next?.nominal ?? null, saved.by],
    ],
  );
  if (row) return row;
  throw taken(saved.name);
}

/**
 * @param restart what was read so far means nothing any more
 * @throws DaybookError `E_NOT_FOUND`, `E_CONFLICT` when the name is taken
 */
export async function updateConnector(
  tx: Tx,
  saved: SavedConnector,
  restart: boolean,
): Promise<Connector> {
  const others = await tx.query('select from daybook.connectors where name = $1 and id <> $2', [
    saved.name,
    saved.id,
  ]);
  if (others.length > 0) throw taken(saved.name);
  const [row] = await tx.query<Connector>(
    `update daybook.connectors set name = $2, spec = $3, active = $4,
       next_due = to_timestamp($5::float8 / 1000), next_nominal = $6, changed_by = $7,
       changed_at = now(), since = case when $8 then null else since end,
       sealed_secret = case when $9 then $10 else sealed_secret end
     where id = $1 returning ${COLUMNS}`,
    [
      ...[saved.id, saved.name, JSON.stringify(saved.spec), saved.active],
      ...[saved.next?.instant ?? null, saved.next?.nominal ?? null, saved.by, restart],
      ...[saved.sealedSecret !== undefined, saved.sealedSecret ?? null],
    ],
  );
  if (row) return row;
  throw new DaybookError('E_NOT_FOUND', { what: 'connector', got: saved.id.slice(0, 100) });
}

/** With its runs and triggers; what it loaded stays. False: there is none. */
export async function removeConnector(tx: Tx, id: string): Promise<boolean> {
  return (await tx.run('delete from daybook.connectors where id = $1', [id])) === 1;
}

/** Whose connectors are due. System transaction. */
export async function dueConnectors(
  tx: Tx,
  now: number,
  limit: number,
): Promise<{ tenantId: string; id: string }[]> {
  return tx.query(
    `select tenant_id as "tenantId", id from daybook.connectors
     where active and next_due <= to_timestamp($1::float8 / 1000) order by next_due, id limit $2`,
    [now, limit],
  );
}

/** What is due and its place in time, locked; null: somebody was faster. */
export async function lockDueConnector(
  tx: Tx,
  id: string,
  now: number,
): Promise<{ spec: unknown; nominal: string } | null> {
  const [due] = await tx.query<{ spec: unknown; nominal: string }>(
    `select spec, next_nominal as nominal from daybook.connectors
     where id = $1 and active and next_due <= to_timestamp($2::float8 / 1000)
     for update skip locked`,
    [id, now],
  );
  return due ?? null;
}

export async function setNextDue(tx: Tx, id: string, next: NextDue | null): Promise<void> {
  await tx.run(
    `update daybook.connectors set next_due = to_timestamp($2::float8 / 1000), next_nominal = $3
     where id = $1`,
    [id, next?.instant ?? null, next?.nominal ?? null],
  );
}

function taken(name: string): DaybookError {
  return new DaybookError('E_CONFLICT', {
    where: 'name',
    reason: `there is a connector ${JSON.stringify(name.slice(0, 100))} already`,
  });
}
