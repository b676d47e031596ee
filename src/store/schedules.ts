import { DaybookError } from '../errors.ts';
import type { ScheduleSpec } from '../reports/schedule-spec.ts';
import type { Occurrence } from '../time/recurrence.ts';
import type { Tx } from './database.ts';

/** Schedules: rules of when to make what for whom. Tenant transactions. */

export type ScheduleState = 'active' | 'paused';

/** Times are UTC epoch ms. */
export interface ScheduleRow {
  readonly id: string;
  readonly tenantId: string;
  /** Unique among the tenant's schedules that were not removed. */
  readonly name: string;
  /** The principal as whom its runs act, such as `key:…`. */
  readonly owner: string;
  readonly spec: ScheduleSpec;
  /** 1, then one more at each edit. */
  readonly version: number;
  readonly state: ScheduleState;
  /** Of the next occurrence. */
  readonly zone: string;
  /** `YYYY-MM-DD HH:MM`; null: it never comes again. */
  readonly nextNominal: string | null;
  readonly nextDue: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const COLUMNS = `
  id, tenant_id as "tenantId", name, owner, spec, version, state, zone,
  next_nominal as "nextNominal",
  floor(extract(epoch from next_due) * 1000)::float8 as "nextDue",
  floor(extract(epoch from created_at) * 1000)::float8 as "createdAt",
  floor(extract(epoch from updated_at) * 1000)::float8 as "updatedAt"`;

/** When a schedule is due next, and by whose clocks; null: never. */
export type NextDue = (Occurrence & { readonly zone: string }) | null;

/** @throws DaybookError `E_CONFLICT`: the tenant has one of that name */
export async function insertSchedule(
  tx: Tx,
  schedule: {
    readonly tenantId: string;
    readonly name: string;
    readonly owner: string;
    readonly spec: ScheduleSpec;
    readonly zone: string;
    readonly next: NextDue;
  },
): Promise<ScheduleRow> {
  const { tenantId, name, owner, spec, zone, next } = schedule;
  const [row] = await tx.query<ScheduleRow>(
    `insert into daybook.schedules (tenant_id, name, owner, spec, zone, next_nominal, next_due)
     values ($1, $2, $3, $4, $5, $6, timestamptz 'epoch' + $7::float8 * interval '1 millisecond')
     on conflict (tenant_id, name) where removed_at is null do nothing
     returning ${COLUMNS}`,
    [
      tenantId,
      name,
      owner,
      JSON.stringify(spec),
      next?.zone ?? zone,
      next?.nominal ?? null,
      next?.instant ?? null,
    ],
  );
  if (row) return row;
  throw nameTaken(name);
}

export function nameTaken(name: string): DaybookError {
  return new DaybookError('E_CONFLICT', {
    where: 'name',
    reason: `there is a schedule ${name} already`,
  });
}

/** By id, or by name; null for one that was removed, too. */
export async function findSchedule(tx: Tx, nameOrId: string): Promise<ScheduleRow | null> {
  const column = UUID.test(nameOrId) ? 'id' : 'name';
  const [row] = await tx.query<ScheduleRow>(
    `select ${COLUMNS} from daybook.schedules where ${column} = $1 and removed_at is null`,
    [nameOrId],
  );
  return row ?? null;
}

/** @throws DaybookError `E_NOT_FOUND` */
export async function requireSchedule(tx: Tx, nameOrId: string): Promise<ScheduleRow> {
  const schedule = await findSchedule(tx, nameOrId);
  if (!schedule) {
    throw new DaybookError('E_NOT_FOUND', { what: 'schedule', got: nameOrId || '""' });
  }
  return schedule;
}

/** By name, in code-point order. */
export async function listSchedules(tx: Tx): Promise<ScheduleRow[]> {
  return tx.query(
    `select ${COLUMNS} from daybook.schedules where removed_at is null order by name collate "C"`,
  );
}

/** Locked until the transaction ends, so that nobody plans it meanwhile. @throws `E_NOT_FOUND` */
export async function lockSchedule(tx: Tx, nameOrId: string): Promise<ScheduleRow> {
  const { id } = await requireSchedule(tx, nameOrId);
  const [row] = await tx.query<ScheduleRow>(
    `select ${COLUMNS} from daybook.schedules where id = $1 and removed_at is null for update`,
    [id],
  );
  if (row) return row;
  throw new DaybookError('E_NOT_FOUND', { what: 'schedule', got: nameOrId });
}

/** The newest nominal time that was planned by its rule; null: none ever was. */
export async function findLastNominal(tx: Tx, scheduleId: string): Promise<string | null> {
  const [row] = await tx.query<{ nominal: string | null }>(
    `select max(nominal) as nominal from daybook.occurrences
     where schedule_id = $1 and not manual`,
    [scheduleId],
  );
  return row?.nominal ?? null;
}

/** What an edit, a pause or its end changes. Occurrences that were planned stay as they are. */
export interface ScheduleChange {
  readonly name: string;
  readonly owner: string;
  readonly spec: ScheduleSpec;
  readonly version: number;
  readonly state: ScheduleState;
  readonly zone: string;
  readonly next: NextDue;
}

/** @throws DaybookError `E_CONFLICT`: the name is another's */
export async function changeSchedule(
  tx: Tx,
  id: string,
  change: ScheduleChange,
): Promise<ScheduleRow> {
  const { name, owner, spec, version, state, zone, next } = change;
  const [row] = await tx.query<ScheduleRow>(
    `update daybook.schedules s set name = $2, owner = $3, spec = $4, version = $5, state = $6,
       zone = $7, next_nominal = $8,
       next_due = timestamptz 'epoch' + $9::float8 * interval '1 millisecond',
       catching_up = null, updated_at = now()
     where id = $1 and not exists (
       select from daybook.schedules other
       where other.tenant_id = s.tenant_id and other.name = $2 and other.id <> $1
         and other.removed_at is null)
     returning ${COLUMNS}`,
    [
      id,
      name,
      owner,
      JSON.stringify(spec),
      version,
      state,
      next?.zone ?? zone,
      next?.nominal ?? null,
      next?.instant ?? null,
    ],
  );
  if (row) return row;
  throw nameTaken(name);
}

/** It stays for what it sent; what was planned and not begun is skipped. */
export async function removeSchedule(tx: Tx, id: string): Promise<void> {
  await tx.run(
    `update daybook.schedules set removed_at = now(), next_nominal = null, next_due = null
     where id = $1`,
    [id],
  );
  await tx.run(
    `update daybook.occurrences set state = 'skipped', reason = 'the schedule was removed',
       finished_at = now()
     where schedule_id = $1 and state in ('planned', 'held')`,
    [id],
  );
}

/** Those in the tenant's own zone, locked; for when that changes. */
export async function lockSchedulesOfTenantZone(tx: Tx, tenantId: string): Promise<ScheduleRow[]> {
  return tx.query(
    `select ${COLUMNS} from daybook.schedules
     where tenant_id = $1 and removed_at is null and next_nominal is not null
       and spec -> 'zone' = 'null' order by id for update`,
    [tenantId],
  );
}

/** The same nominal time at another instant. */
export async function moveNextDue(tx: Tx, id: string, next: NonNullable<NextDue>): Promise<void> {
  await tx.run(
    `update daybook.schedules set zone = $2, next_nominal = $3,
       next_due = timestamptz 'epoch' + $4::float8 * interval '1 millisecond' where id = $1`,
    [id, next.zone, next.nominal, next.instant],
  );
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
