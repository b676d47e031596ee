import type { CellType, OutColumn } from './column.ts';
import { type ColumnSpec, columnsAt, type Dimension, type ReportKind } from './define-report.ts';
import type { Headers, Locale, ReportRequest } from './request.ts';

const WIDTHS: Readonly<Record<CellType, number>> = {
  text: 16,
  instant: 20,
  date: 12,
  integer: 12,
  decimal: 14,
};

/** The request's columns as they stand in its file, in the order of the request. */
export function outColumns(
  kind: ReportKind,
  request: Pick<ReportRequest, 'columns' | 'grain' | 'locale' | 'headers'>,
): OutColumn[] {
  const specs = columnsAt(kind, request.grain);
  return request.columns.map((key) => {
    const spec = specs.find((candidate) => candidate.key === key);
    if (spec === undefined) throw new RangeError(`${kind.name} has no column ${key}`);
    return outColumn(spec, request);
  });
}

export function outColumn(
  spec: ColumnSpec,
  { locale, headers }: { locale: Locale; headers: Headers },
): OutColumn {
  const header = headers === 'keys' ? spec.key : spec.labels[locale];
  return {
    key: spec.key,
    header,
    type: spec.type,
    unit: spec.unit,
    minScale: spec.minScale ?? defaultScale(spec),
    width: Math.max(spec.width ?? WIDTHS[spec.type], header.length + 2),
  };
}

/** A dimension as a column of a summary. */
export function dimensionColumn(dimension: Dimension): ColumnSpec {
  const { key, type, labels } = dimension;
  return { key, type, labels, unit: null, merge: 'none', shown: true };
}

function defaultScale({ type, unit, merge }: ColumnSpec): number {
  if (type !== 'decimal') return 0;
  if (typeof merge !== 'string') return merge.scale;
  return unit === 'money' ? 2 : 0;
}
