import type { Period } from '../time/period.ts';

/** What a person asks for, after it was checked: plain data that crosses processes. */

export const REPORT_NAMES = [
  'calls',
  'queues',
  'agents',
  'traffic',
  'sales',
  'sales-daily',
  'products',
  'proposals',
  'billing',
  'charges',
  'statement',
  'reconciliation',
] as const;
export type ReportName = (typeof REPORT_NAMES)[number];

export const GRAINS = ['row', 'day', 'period'] as const;
/** A line per row of the dataset (or per hour, for `traffic`), per day and group, or per group. */
export type Grain = (typeof GRAINS)[number];

export const FORMATS = ['csv', 'csv.gz', 'zip', 'xlsx', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

export const LOCALES = ['en', 'pt-BR', 'es'] as const;
export type Locale = (typeof LOCALES)[number];

export const CELL_REFS = ['auto', 'always', 'never'] as const;
export type CellRefs = (typeof CELL_REFS)[number];
/** `auto` writes references up to this many rows, and for all that is scheduled. */
export const AUTO_REFS_ROWS = 100_000;

export const HEADERS = ['labels', 'keys'] as const;
export type Headers = (typeof HEADERS)[number];

export const FILTER_OPS = ['=', '!=', '>=', '<=', '~'] as const;
export type FilterOp = (typeof FILTER_OPS)[number];

/**
 * A condition on a dataset field. `=` any of the values, `!=` none of them, `>=` and `<=` one
 * value (numbers and decimals by size, instants as ISO 8601, text by code points), `~` contains
 * one value (text, regardless of ASCII case). Several filters are joined by AND.
 */
export interface Filter {
  readonly field: string;
  readonly op: FilterOp;
  readonly values: readonly string[];
}

export type ParamValue = string | number | boolean;

/** A checked request: every default filled in, every name known. */
export interface ReportRequest {
  readonly report: ReportName;
  readonly period: Period;
  readonly format: Format;
  /** An IANA zone in place of the tenant's own calendar; null: the tenant's. */
  readonly zone: string | null;
  readonly grain: Grain;
  /** Keys of the report's columns, in the order wished. */
  readonly columns: readonly string[];
  readonly where: readonly Filter[];
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly locale: Locale;
  readonly headers: Headers;
  readonly cellRefs: CellRefs;
  /** false: neither reads nor writes parts. */
  readonly cache: boolean;
}
