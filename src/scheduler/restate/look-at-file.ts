import type { RowSource } from '../../reports/ports.ts';
import type { Database } from '../../store/database.ts';
import { oweNotices } from '../../store/notices.ts';
import { noteChangedDays, type SealedDays } from '../../store/restatements.ts';
import { requireTenant } from '../../store/tenants.ts';
import type { Calendar } from '../../time/calendar.ts';
import { changedDaysOf } from './changed-days.ts';

/**
 * Looks whether days of a sealed file have other rows now, notes it, and owes the owner a notice when
 * they are others than before. True: they changed, or changed further.
 * @param calendars of tenants that were looked up in the same pass
 * @throws what its source throws
 */
export async function lookAtFile(
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
