import type { Period } from '../../time/period.ts';
import type { Format, ReportName } from '../request.ts';

const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  'csv.gz': 'application/gzip',
  zip: 'application/zip',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  ndjson: 'application/x-ndjson',
};

export function mediaTypeOf(format: Format): string {
  return MEDIA_TYPES[format];
}

/** Most characters of a tenant's name in a file name. */
const NAME_LENGTH = 60;

/**
 * A name for a file, such as `north-phones_calls_2026-10-01_2026-10-31.xlsx`. ASCII letters,
 * digits, `-`, `_` and `.` only, whatever the tenant is called: it needs no escaping anywhere. From
 * the second revision on it ends in `_r2`, `_r3`, …
 */
export function fileNameOf(file: {
  readonly tenant: string;
  readonly report: ReportName;
  readonly period: Period;
  readonly format: Format;
  /** Default 1. */
  readonly revision?: number;
}): string {
  const { from, to } = file.period;
  const days = from === to ? from : `${from}_${to}`;
  const revision = (file.revision ?? 1) > 1 ? `_r${file.revision}` : '';
  return `${slugOf(file.tenant)}_${file.report}_${days}${revision}.${file.format}`;
}

function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_LENGTH)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'tenant' : slug;
}
