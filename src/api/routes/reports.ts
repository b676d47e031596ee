import { z } from 'zod';
import type { Merge } from '../../reports/define-report.ts';
import {
  type ColumnDescription,
  describeReports,
  type ReportDescription,
} from '../../reports/describe.ts';
import { LOCALES, type Locale } from '../../reports/request.ts';
import { actorOf } from '../access.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';

/** What can be asked for: reports, their grains, columns, filters, parameters, dimensions. */

const unit = z.union([z.string(), z.null()]);

const ColumnView = z.object({
  key: z.string(),
  label: z.string(),
  type: z.string(),
  unit,
  merge: z.string().describe('How rows and days become one value.'),
  default: z.boolean().describe('In a file when no columns are asked for.'),
  grains: z.array(z.string()),
});

const ReportView = z.object({
  report: z.string(),
  title: z.string(),
  description: z.string(),
  dataset: z.string(),
  grains: z.array(z.string()),
  default_grain: z.string(),
  columns: z.array(ColumnView),
  figures: z.array(ColumnView).describe('What a summary holds.'),
  dimensions: z
    .array(z.object({ key: z.string(), label: z.string(), type: z.string() }))
    .describe('What a summary can be asked `by`.'),
  filters: z.array(
    z.object({
      field: z.string(),
      label: z.string(),
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
      unit,
      min: z.number(),
      max: z.number(),
      default: z.number(),
    }),
  ),
});

export function reportRoutes({ server }: RouteContext): void {
  const views = new Map<Locale, ReturnType<typeof viewReport>[]>();
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
      const items = views.get(locale) ?? describeReports(locale).map(viewReport);
      views.set(locale, items);
      return { items };
    },
  );
}

function viewReport(report: ReportDescription): z.infer<typeof ReportView> {
  return {
    ...report,
    grains: [...report.grains],
    columns: report.columns.map(viewColumn),
    figures: report.figures.map(viewColumn),
    dimensions: [...report.dimensions],
    filters: report.filters.map(({ ops, values, ...filter }) => ({
      ...filter,
      ops: [...ops],
      ...(values ? { values: [...values] } : {}),
    })),
    params: [...report.params],
  };
}

function viewColumn(column: ColumnDescription): z.infer<typeof ColumnView> {
  return { ...column, merge: mergeText(column.merge), grains: [...column.grains] };
}

function mergeText(merge: Merge): string {
  return typeof merge === 'string' ? merge : `ratio of sums: ${merge.ratioOf.join(' / ')}`;
}
