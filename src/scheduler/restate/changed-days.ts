import { datasetOf } from '../../reports/dataset.ts';
import { rowsPartKey } from '../../reports/part-keys.ts';
import type { RowSource } from '../../reports/ports.ts';
import type { DayKeys } from '../../store/report-files.ts';
import type { SealedDays } from '../../store/restatements.ts';
import { type Calendar, calendarOf, daysOf } from '../../time/calendar.ts';

/** The dates of a sealed file whose rows are others now, by their data versions. */
export async function changedDaysOf(
  file: Pick<SealedDays, 'tenantId' | 'request' | 'dataset' | 'dayKeys'>,
  tenant: Calendar,
  { source, signal }: { readonly source: RowSource; readonly signal: AbortSignal },
): Promise<string[]> {
  const { tenantId, dataset, request } = file;
  const calendar = request.zone === null ? tenant : calendarOf(request.zone);
  const days = daysOf(calendar, request.period);
  const versions = await source.versions({ tenantId, dataset, windows: days, signal });
  const now: DayKeys = days.map((window, index) => {
    const { fingerprint, rows } = versions[index];
    const key = rowsPartKey({ tenantId, dataset: datasetOf(dataset), window, fingerprint });
    return [window.date, rows === 0 ? '' : key];
  });
  const sealed = new Map(file.dayKeys.map(([date, key]) => [date, key]));
  return now.filter(([date, key]) => sealed.get(date) !== key).map(([date]) => date);
}
