import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { noteInLease, withLease } from '../../store/leases.ts';
import { oweNotices } from '../../store/notices.ts';
import { listPerhapsChanged, noteChangedDays, type SealedDays } from '../../store/restatements.ts';
import { requireTenant } from '../../store/tenants.ts';
import type { Calendar } from '../../time/calendar.ts';
import { changedDaysOf } from './changed-days.ts';

/**
 * Notices that rows came late: sealed files whose days have other rows now say so, and their owner is
 * told once. Nothing is made: whether an amendment goes out is the owner's choice.
 */

const LEASE = 'restatements';
const LEASE_SECONDS = 60;
const BATCH = 200;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';
/** A transaction that took so long may show changes that are stamped earlier: 1 h. */
const LONGEST_WRITE_MS = 3_600_000;
/** Where nobody looked before: as long as files are kept. */
const FIRST_LOOK_MS = 90 * 86_400_000;

/**
 * Looks at what changed since the last look. `now` is UTC epoch ms.
 * @returns files that were found changed, or changed further
 */
export async function findChanged(
  now: number,
  deps: { readonly database: Database; readonly source: RowSource; readonly holder: string },
  signal: AbortSignal,
): Promise<number> {
  const of = { name: LEASE, holder: deps.holder, seconds: LEASE_SECONDS };
  const found = await withLease(deps.database, of, async (held) => {
    const stop = AbortSignal.any([signal, held.signal]);
    const since = sinceOf(held.detail, now);
    const calendars = new Map<string, Calendar>();
    let changed = 0;
    for (let after = BEFORE_ALL; ; ) {
      stop.throwIfAborted();
      const batch = await deps.database.asSystem((tx) =>
        listPerhapsChanged(tx, { since, after, limit: BATCH }),
      );
      for (const file of batch) if (await look(file, calendars, deps, stop)) changed += 1;
      const last = batch.at(-1);
      if (!last || batch.length < BATCH) break;
      after = last.id;
    }
    await deps.database.asSystem((tx) => noteInLease(tx, held.lease, { lookedAt: now }));
    return changed;
  });
  return found ?? 0;
}

function sinceOf(detail: unknown, now: number): number {
  const { lookedAt } = detail as { lookedAt?: unknown };
  const before = typeof lookedAt === 'number' ? Math.min(lookedAt, now) : now - FIRST_LOOK_MS;
  return before - LONGEST_WRITE_MS;
}

async function look(
  file: SealedDays,
  calendars: Map<string, Calendar>,
  { database, source }: { readonly database: Database; readonly source: RowSource },
  signal: AbortSignal,
): Promise<boolean> {
  const { id, tenantId, occurrenceId } = file;
  const calendar =
    calendars.get(tenantId) ??
    (await database.asSystem((tx) => requireTenant(tx, tenantId))).calendar;
  calendars.set(tenantId, calendar);
  const days = await changedDaysOf(file, calendar, { source, signal });
  if (JSON.stringify(days) === JSON.stringify(file.changedDays ?? [])) return false;
  await database.asTenant(tenantId, (tx) => noteChangedDays(tx, id, days));
  if (days.length === 0) return false;
  const detail = { file: id, days };
  await database.asSystem((tx) => oweNotices(tx, [{ occurrenceId, topic: 'changed', detail }]));
  return true;
}
