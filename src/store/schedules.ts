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

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
