import type { Calendar } from '../time/calendar.ts';
import type { IrregularDay, Table } from './document.ts';
import type { ReportRequest } from './request.ts';

/** Totals of a report over a period, for charts: what is asked, what comes, and who makes it. */

export interface SummaryRequest {
  readonly tenant: { readonly id: string; readonly calendar: Calendar };
  /** Columns, format, locale and the like of the request play no part. */
  readonly request: ReportRequest;
  /** As `parseSummaryBy` takes it; null: the totals of the whole period alone. */
  readonly by: string | null;
}

export interface Summary {
  /** Zones of the period's days in order of first use. */
  readonly zones: readonly string[];
  /** UTC epoch ms, half-open. */
  readonly window: { readonly start: number; readonly end: number };
  readonly irregularDays: readonly IrregularDay[];
  /** Newest change among the data versions of the window, UTC epoch ms. */
  readonly dataAsOf: number | null;
  readonly days: { readonly total: number; readonly cached: number };
  /** Rows that passed the filter. */
  readonly rows: number;
  /** Over the whole period; one line, or one per currency. */
  readonly totals: Table;
  /** Null when `by` is. */
  readonly groups: Table | null;
}

/**
 * Produces a summary from the days' totals. Aborting the signal gives up waiting.
 * @throws DaybookError `E_PARAM` naming `by` when the report has no such dimension.
 */
export type SummaryProducer = (request: SummaryRequest, signal: AbortSignal) => Promise<Summary>;
