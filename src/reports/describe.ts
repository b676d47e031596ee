import { filterOps } from './check-filter.ts';
import type { CellType, Unit } from './column.ts';
import { type DatasetName, datasetOf, type FieldType } from './dataset.ts';
import type { ColumnSpec, Merge, ReportKind } from './define-report.ts';
import { FIELD_LABELS } from './field-labels.ts';
import { listReportKinds } from './registry.ts';
import type { FilterOp, Grain, Locale, ReportName } from './request.ts';

export interface ColumnDescription {
  readonly key: string;
  readonly label: string;
  readonly type: CellType;
  readonly unit: Unit | null;
  readonly merge: Merge;
  readonly default: boolean;
  readonly grains: readonly Grain[];
}

/** A report as `GET /v1/reports` and `export --help` list it. Plain data. */
export interface ReportDescription {
  readonly report: ReportName;
  readonly title: string;
  readonly description: string;
  readonly dataset: DatasetName;
  readonly grains: readonly Grain[];
  readonly default_grain: Grain;
  readonly columns: readonly ColumnDescription[];
  /** What a summary holds, in its order. */
  readonly figures: readonly ColumnDescription[];
  /** What a summary can be asked by. */
  readonly dimensions: readonly { key: string; label: string; type: CellType }[];
  readonly filters: readonly {
    field: string;
    label: string;
    type: FieldType;
    ops: readonly FilterOp[];
    values?: readonly string[];
  }[];
  readonly params: readonly {
    name: string;
    label: string;
    type: 'integer';
    unit: Unit | null;
    min: number;
    max: number;
    default: number;
  }[];
}

export function describeReports(locale: Locale): ReportDescription[] {
  return listReportKinds().map((kind) => describeReport(kind, locale));
}

export function describeReport(kind: ReportKind, locale: Locale): ReportDescription {
  const described = (column: ColumnSpec) => describeColumn(kind, column, locale);
  return {
    report: kind.name,
    title: kind.labels[locale],
    description: kind.description[locale],
    dataset: kind.dataset,
    grains: kind.grains,
    default_grain: kind.defaultGrain,
    columns: kind.columns.map(described),
    figures: kind.figures.map(described),
    dimensions: kind.dimensions.map(({ key, labels, type }) => ({
      key,
      label: labels[locale],
      type,
    })),
    filters: datasetOf(kind.dataset).fields.map((field) => ({
      field: field.name,
      label: labelOf(field.name, locale),
      type: field.type,
      ops: filterOps(field),
      ...(field.values === undefined ? {} : { values: field.values }),
    })),
    params: kind.params.map(({ name, labels, type, unit, min, max, default: usual }) => ({
      name,
      label: labels[locale],
      type,
      unit,
      min,
      max,
      default: usual,
    })),
  };
}

function describeColumn(kind: ReportKind, column: ColumnSpec, locale: Locale): ColumnDescription {
  return {
    key: column.key,
    label: column.labels[locale],
    type: column.type,
    unit: column.unit,
    merge: column.merge,
    default: column.shown,
    grains: column.grains ?? kind.grains,
  };
}

function labelOf(field: string, locale: Locale): string {
  const known = Object.entries(FIELD_LABELS).find(([name]) => name === field);
  return known?.[1][locale] ?? field;
}
