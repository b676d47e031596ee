import { z } from 'zod';
import { filterOps } from '../../reports/check-filter.ts';
import { datasetOf } from '../../reports/dataset.ts';
import {
  type ColumnSpec,
  columnsAt,
  type Merge,
  type ReportKind,
} from '../../reports/define-report.ts';
import { listReportKinds } from '../../reports/registry.ts';
import { LOCALES, type Locale } from '../../reports/request.ts';
import { actorOf } from '../access.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** What can be asked for: reports, their grains, columns, filters, parameters, dimensions. */

const ColumnView = z.object({
  key: z.string(),
  label: z.string(),
  type: z.string(),
  unit: z.union([z.string(), z.null()]),
  merge: z.string().describe('How days become one value.'),
  grains: z.array(z.string()),
  shown: z.boolean().describe('In a file when no columns are asked for.'),
});

const ReportView = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  dataset: z.string(),
  grains: z.array(z.string()),
  default_grain: z.string(),
  columns: z.array(ColumnView),
  filters: z.array(
    z.object({
      field: z.string(),
      type: z.string(),
      ops: z.array(z.string()),
      values: z.array(z.string()).optional(),
    }),
  ),
  params: z.array(
    z.object({
      name: z.string(),
      label: z.string(),
      type: z.string(),
      unit: z.union([z.string(), z.null()]),
      min: z.number(),
      max: z.number(),
      default: z.number(),
    }),
  ),
  dimensions: z
    .array(z.object({ key: z.string(), label: z.string(), type: z.string() }))
    .describe('For `by` of a summary.'),
});

export function reportRoutes({ server }: RouteContext): void {
  server.get(
    '/v1/reports',
    {
      config: { access: 'reports.read' },
      schema: {
        operationId: 'listReports',
        tags: ['reports'],
        summary: 'The reports, with their columns, filters, parameters and grains',
        headers: TENANT_HEADERS,
        querystring: z.strictObject({
          locale: z.enum(LOCALES).optional().describe("Of the labels; the tenant's by default."),
        }),
        response: { 200: z.object({ items: z.array(ReportView) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const locale = request.query.locale ?? actorOf(request).tenant.locale;
      return { items: listReportKinds().map((kind) => viewReport(kind, locale)) };
    },
  );
}

function viewReport(kind: ReportKind, locale: Locale): z.infer<typeof ReportView> {
  return {
    name: kind.name,
    title: kind.labels[locale],
    description: kind.description[locale],
    dataset: kind.dataset,
    grains: [...kind.grains],
    default_grain: kind.defaultGrain,
    columns: kind.columns.map((column) => viewColumn(kind, column, locale)),
    filters: datasetOf(kind.dataset).fields.map((field) => ({
      field: field.name,
      type: field.type,
      ops: [...filterOps(field)],
      ...(field.values ? { values: [...field.values] } : {}),
    })),
    params: kind.params.map(({ labels, ...param }) => ({ ...param, label: labels[locale] })),
    dimensions: kind.dimensions.map(({ key, type, labels }) => ({
      key,
      type,
      label: labels[locale],
    })),
  };
}

function viewColumn(
  kind: ReportKind,
  column: ColumnSpec,
  locale: Locale,
): z.infer<typeof ColumnView> {
  return {
    key: column.key,
    label: column.labels[locale],
    type: column.type,
    unit: column.unit,
    merge: mergeText(column.merge),
    grains: kind.grains.filter((grain) => columnsAt(kind, grain).includes(column)),
    shown: column.shown,
  };
}

function mergeText(merge: Merge): string {
  return typeof merge === 'string' ? merge : `ratio of sums: ${merge.ratioOf.join(' / ')}`;
}
