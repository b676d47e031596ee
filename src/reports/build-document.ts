import type { DayWindow } from '../time/day-window.ts';
import type { ReportKind } from './define-report.ts';
import type { IrregularDay, ReportDocument } from './document.ts';
import { byDayTable, controlTable, type DayFigures, totalsTable } from './document-tables.ts';
import { filterInWords } from './filter-words.ts';
import { summaryFold } from './fold.ts';
import { mergeTotals } from './merge-totals.ts';
import { outColumns } from './out-columns.ts';
import { proveTotals } from './prove-totals.ts';
import type { ReportRequest } from './request.ts';
import type { DayTotals } from './totals.ts';

export interface DocumentDay {
  readonly day: DayWindow;
  /** Rows of the dataset on the day, before filters. */
  readonly rows: number;
  /** Detail rows that the day put into the file; 0 at grain `period` of a grouped report. */
  readonly fileRows: number;
  /** Of the day's rows part, hex. */
  readonly rowsSha256: string;
  /** Of the {@link summaryFold}. */
  readonly totals: DayTotals;
}

/**
 * What a file says of itself, after proof that its days add up to it.
 * @throws DaybookError `E_TOTALS_MISMATCH` when they do not
 */
export function buildDocument(input: {
  readonly kind: ReportKind;
  readonly request: ReportRequest;
  readonly tenantName: string;
  /** In order. */
  readonly days: readonly DocumentDay[];
  /** Of the period; empty where none of its dates exists. */
  readonly window: ReportDocument['window'];
  readonly irregular: readonly IrregularDay[];
  readonly dataAsOf: number | null;
  readonly revision: number;
  /** Days that are thought not to be complete; they are named. */
  readonly incompleteDays?: readonly string[];
  /** Detail rows in the file. */
  readonly fileRows: number;
}): ReportDocument {
  const { kind, request, days } = input;
  const { locale, headers } = request;
  const totals = mergeTotals(
    summaryFold(kind, request),
    days.map((day) => day.totals),
  );
  const figures: DayFigures = { kind, locale, headers, days, totals };
  const document: ReportDocument = {
    report: kind.name,
    title: kind.labels[locale],
    tenant: input.tenantName,
    locale,
    headers,
    format: request.format,
    grain: request.grain,
    period: request.period,
    zones: [...new Set(days.map(({ day }) => day.zone))],
    window: input.window,
    irregularDays: input.irregular,
    dataAsOf: input.dataAsOf,
    revision: input.revision,
    ...(input.incompleteDays?.length ? { incompleteDays: input.incompleteDays } : {}),
    filters: request.where.map(filterInWords),
    params: kind.params.map((spec) => ({
      name: headers === 'keys' ? spec.name : spec.labels[locale],
      value: String(request.params[spec.name]),
    })),
    columns: outColumns(kind, request),
    rows: input.fileRows,
    totals: totalsTable(figures),
    byDay: byDayTable(figures),
    control: controlTable(figures),
  };
  proveTotals({ kind, request, days, totals, fileRows: input.fileRows });
  return document;
}
