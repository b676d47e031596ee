import type { Period } from '../time/period.ts';
import type { CellValue } from './chunk.ts';
import type { OutColumn } from './column.ts';
import type { Format, Grain, Headers, Locale, ReportName } from './request.ts';

/**
 * What a file says of itself besides its rows: the head of a workbook's Summary, the manifest in
 * a zip, the body of an API answer. Nothing in it comes from a clock, so that the same data and
 * the same request give the same bytes.
 */
export interface ReportDocument {
  readonly report: ReportName;
  readonly title: string;
  readonly tenant: string;
  readonly locale: Locale;
  readonly headers: Headers;
  readonly format: Format;
  readonly grain: Grain;
  readonly period: Period;
  /** Zones of the period's days in order of first use; nearly always one. */
  readonly zones: readonly string[];
  /** UTC epoch ms, half-open. */
  readonly window: { readonly start: number; readonly end: number };
  readonly irregularDays: readonly IrregularDay[];
  /** Newest change among the data versions of the window, UTC epoch ms; null: no row ever. */
  readonly dataAsOf: number | null;
  readonly revision: number;
  /** Days whose data was not complete when the file was made all the same; absent: none. */
  readonly incompleteDays?: readonly string[];
  /** Of an amendment: how it differs from the file that it amends. */
  readonly changes?: DocumentChanges;
  /** The filters, in words such as `queue = PS, NE`. */
  readonly filters: readonly string[];
  readonly params: readonly { readonly name: string; readonly value: string }[];
  /** Columns of the detail rows, in order. */
  readonly columns: readonly OutColumn[];
  /** Detail rows in the file. */
  readonly rows: number;
  /** Totals over the whole period; one line, or one per currency. */
  readonly totals: Table;
  /** Of a statement: per currency what there was before its lines, their sum, and what there is. */
  readonly balances?: Table;
  /** The same totals by day. */
  readonly byDay: Table;
  /** Per day: window, hours, rows, content hash, summed columns; then the sum and the check. */
  readonly control: Table;
}

export interface DocumentChanges {
  /** Of the file that is amended. */
  readonly revision: number;
  /** Dates whose rows are others. */
  readonly days: readonly string[];
  /** Rows by their key, after filters; null: those of then are not known any more, or too many. */
  readonly counts: {
    readonly added: number;
    readonly changed: number;
    readonly removed: number;
  } | null;
  /** Rows that are counted and not in `rows`. */
  readonly unlisted: number;
  /** The first of them, as rows of the dataset; a changed one comes twice. */
  readonly rows: Table;
  /** Each figure then and now, and the difference. */
  readonly totals: Table;
}

/** A small table, such as the totals: cells in the order of the columns. */
export interface Table {
  readonly columns: readonly OutColumn[];
  readonly rows: readonly (readonly CellValue[])[];
}

/** A local date that does not start at 00:00, does not last 24 h, or does not exist. */
export interface IrregularDay {
  readonly date: string;
  readonly zone: string;
  /** 0 for a date that does not exist. */
  readonly hours: number;
  /** Local time of its first instant, `HH:MM:SS`; null for a date that does not exist. */
  readonly startsAt: string | null;
}
