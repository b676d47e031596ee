import { buildDocument } from '../reports/build-document.ts';
import type { ReportKind } from '../reports/define-report.ts';
import type { ReportDocument } from '../reports/document.ts';
import type { Piece } from '../reports/fragment.ts';
import { irregularDaysOf, windowOf } from '../time/calendar.ts';
import { dataAsOfDays, type MadeDay } from './make-days.ts';
import { requestCalendar } from './plan-days.ts';
import type { ReportJob } from './report-job.ts';

/** What the file will say of itself, proved against the days. @throws `E_TOTALS_MISMATCH` */
export function describeReport(
  { request, tenant, sealing }: ReportJob,
  kind: ReportKind,
  days: readonly MadeDay[],
  pieces: readonly Piece[],
  revision: number,
): ReportDocument {
  const calendar = requestCalendar(request, tenant);
  return buildDocument({
    kind,
    request,
    tenantName: tenant.title,
    days: days.map((made) => ({
      day: made.day,
      rows: made.rows?.rows ?? 0,
      fileRows: made.pieceRows.reduce((sum, rows) => sum + rows, 0),
      rowsSha256: made.rows?.sha256 ?? '',
      totals: made.totals[made.totals.length - 1],
    })),
    window: windowOf(calendar, request.period),
    irregular: irregularDaysOf(calendar, request.period),
    dataAsOf: dataAsOfDays(days),
    revision,
    incompleteDays: sealing?.incompleteDays ?? [],
    fileRows: pieces.reduce((sum, piece) => sum + piece.rows, 0),
  });
}
