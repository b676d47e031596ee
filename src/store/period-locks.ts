import { DaybookError } from '../errors.ts';
import type { Period } from '../time/period.ts';
import type { Tx } from './database.ts';
import { noteRateChange } from './rate-changes.ts';

/**
 * Locked periods: no charge of their days and no entry of the ledger comes, changes or goes. A
 * trigger refuses it (`E_LOCKED`), whoever writes. A lock waits for writers that are under way.
 * All functions work within a tenant.
 */

export interface PeriodLock {
  readonly id: string;
  /** Inclusive dates of the tenant. */
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly lockedBy: string;
  readonly lockedAt: Date;
  /** Null: it holds. */
  readonly releasedBy: string | null;
  readonly releasedAt: Date | null;
}

const COLUMNS = `id, to_char(from_date, 'YYYY-MM-DD') as "from", to_char(to_date, 'YYYY-MM-DD') as "to",
  reason, locked_by as "lockedBy", locked_at as "lockedAt",
  released_by as "releasedBy", released_at as "releasedAt"`;

/** Locks a period; locks may overlap, and each holds until it is released itself. */
export async function lockPeriod(
  tx: Tx,
  lock: {
    readonly tenantId: string;
    readonly period: Period;
    readonly reason: string;
    readonly lockedBy: string;
  },
): Promise<PeriodLock> {
  const [made] = await tx.query<PeriodLock>(
    `insert into daybook.period_locks (tenant_id, from_date, to_date, reason, locked_by)
     values ($1, $2::date, $3::date, $4, $5) returning ${COLUMNS}`,
    [lock.tenantId, lock.period.from, lock.period.to, lock.reason, lock.lockedBy],
  );
  return made;
}

/** @throws DaybookError `E_NOT_FOUND` when there is none that holds */
export async function releaseLock(
  tx: Tx,
  lock: { readonly tenantId: string; readonly id: string; readonly releasedBy: string },
): Promise<PeriodLock> {
  const [released] = await tx.query<PeriodLock>(
    `update daybook.period_locks set released_by = $3, released_at = now()
     where tenant_id = $1 and id = $2 and released_at is null returning ${COLUMNS}`,
    [lock.tenantId, lock.id, lock.releasedBy],
  );
  if (!released) throw new DaybookError('E_NOT_FOUND', { what: 'lock', got: lock.id });
  // Calls that came while the period was locked are rated now.
  const what = `released the lock of ${released.from} to ${released.to}`;
  const { tenantId, releasedBy } = lock;
  await noteRateChange(tx, { tenantId, what, changedBy: releasedBy });
  return released;
}

/** Those that hold and touch the period, earliest first. */
export async function locksIn(tx: Tx, tenantId: string, period: Period): Promise<PeriodLock[]> {
  return tx.query<PeriodLock>(
    `select ${COLUMNS} from daybook.period_locks
     where tenant_id = $1 and from_date <= $3::date and to_date >= $2::date
       and released_at is null order by from_date, to_date, id`,
    [tenantId, period.from, period.to],
  );
}

/** All of a tenant, the released ones too; newest first. */
export async function listLocks(tx: Tx, tenantId: string): Promise<PeriodLock[]> {
  return tx.query<PeriodLock>(
    `select ${COLUMNS} from daybook.period_locks where tenant_id = $1
     order by locked_at desc, id`,
    [tenantId],
  );
}
