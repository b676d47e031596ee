import { buildDocument } from '../reports/build-document.ts';
import type { ReportKind } from '../reports/define-report.ts';
import type { ReportDocument } from '../reports/document.ts';
import type { Piece } from '../reports/fragment.ts';
import { irregularDaysOf } from '../time/calendar.ts';
import type { MadeDay } from './make-days.ts';
import { requestCalendar } from './plan-days.ts';
import type { ReportJob } from './report-job.ts';

/** What the file will say of itself, proved against the days. @throws `E_TOTALS_MISMATCH` */
export function describeReport(
  { request, tenant }: ReportJob,
  kind: ReportKind,
  days: readonly MadeDay[],
  pieces: readonly Piece[],
): ReportDocument {
  const changes = days.flatMap((made) => made.rowsPart?.dataAsOf ?? []);
  return buildDocument({
    kind,
    request,
    tenantName: tenant.title,
    days: days.map((made) => ({
      day: made.day,
      rows: made.rowsPart?.rows ?? 0,
      fileRows: made.pieceRows.reduce((sum, rows) => sum + rows, 0),
      rowsSha256: made.rowsPart?.sha256 ?? '',
      totals: made.totals[made.totals.length - 1],
    })),
    irregular: irregularDaysOf(requestCalendar(request, tenant), request.period),
    dataAsOf: changes.length === 0 ? null : Math.max(...changes),
    revision: 1,
    fileRows: pieces.reduce((sum, piece) => sum + piece.rows, 0),
  });
}
