import { z } from 'zod';
import { DaybookError } from '../../errors.ts';
import { parseSummaryBy } from '../../reports/build-summary.ts';
import type { Table } from '../../reports/document.ts';
import { parseReportRequest } from '../../reports/parse-request.ts';
import { reportKind } from '../../reports/registry.ts';
import { REPORT_NAMES } from '../../reports/request.ts';
import { actorOf } from '../access.ts';
import { shown } from '../request-schema.ts';
import { requestSignal } from '../request-signal.ts';
import { IrregularDayView, isoOrNull, viewIrregularDay } from '../views.ts';
import { PROBLEMS, type RouteContext, TENANT_HEADERS } from './context.ts';
import { FilterBody, LocalDate, ParamsBody } from './export-body.ts';

/** Totals of a report over a period, for charts; folded from its days, never from a file. */

const LONGEST_MS = 60_000;

const Line = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
const ColumnView = z.object({
  key: z.string(),
  label: z.string(),
  type: z.string(),
  unit: z.union([z.string(), z.null()]),
});
const SummaryView = z.object({
  report: z.string(),
  period: z.object({ from: z.string(), to: z.string() }),
  zones: z.array(z.string()),
  window: z.object({ start: z.string(), end: z.string() }).describe('Half-open, UTC.'),
  irregular_days: z.array(IrregularDayView),
  data_as_of: z.union([z.string(), z.null()]),
  days: z.object({ total: z.number(), cached: z.number() }),
  rows: z.number().describe('Rows that passed the filter.'),
  by: z.union([z.string(), z.null()]),
  totals: z.object({ columns: z.array(ColumnView), lines: z.array(Line) }),
  groups: z.union([z.object({ columns: z.array(ColumnView), lines: z.array(Line) }), z.null()]),
});

const filters = z.array(FilterBody).max(200);
const several = <T extends z.ZodType>(one: T) => z.union([one, z.array(one).max(200)]);

export function summaryRoute({ server, deps, closing }: RouteContext): void {
  server.get(
    '/v1/reports/:report/summary',
    {
      config: { access: 'reports.read' },
      schema: {
        operationId: 'summarise',
        tags: ['reports'],
        summary: 'Totals of a report over a period',
        headers: TENANT_HEADERS,
        params: z.object({ report: z.string().meta({ enum: [...REPORT_NAMES] }) }),
        querystring: z.strictObject({
          from: LocalDate.describe('First local date.'),
          to: LocalDate.describe('Last local date, inclusive.'),
          by: z
            .string()
            .max(200)
            .optional()
            .describe('Dimensions of the report, such as `day` or `day,queue`.'),
          zone: z.string().max(200).optional(),
          locale: z.string().max(200).optional(),
          where: several(z.string().max(100_000))
            .optional()
            .describe(
              'Filters as JSON `[{"field":…,"op":"=","values":[…]}]`, or `field=v1,v2`, repeatable.',
            ),
          params: several(z.string().max(100_000))
            .optional()
            .describe('Parameters as a JSON object, or `name=value`, repeatable.'),
        }),
        response: { 200: SummaryView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenant } = actorOf(request);
      const { from, to, by, zone, locale, where, params } = request.query;
      const wanted = parseReportRequest(
        {
          report: request.params.report,
          from,
          to,
          format: 'ndjson',
          zone,
          locale,
          where: filtersOf(where),
          params: paramsOf(params),
        },
        { locale: tenant.locale },
      );
      parseSummaryBy(reportKind(wanted.report), by ?? null);
      const asked = { tenant, request: wanted, by: by ?? null };
      const summary = await deps.summaries(asked, requestSignal(reply.raw, closing, LONGEST_MS));
      deps.summaryUses?.note(asked);
      return {
        report: wanted.report,
        period: { from: wanted.period.from, to: wanted.period.to },
        zones: [...summary.zones],
        window: {
          start: new Date(summary.window.start).toISOString(),
          end: new Date(summary.window.end).toISOString(),
        },
        irregular_days: summary.irregularDays.map(viewIrregularDay),
        data_as_of: isoOrNull(summary.dataAsOf),
        days: { ...summary.days },
        rows: summary.rows,
        by: by ?? null,
        totals: viewTable(summary.totals),
        groups: summary.groups && viewTable(summary.groups),
      };
    },
  );
}

function viewTable({ columns, rows }: Table) {
  return {
    columns: columns.map(({ key, header, type, unit }) => ({ key, label: header, type, unit })),
    lines: rows.map((cells) =>
      Object.fromEntries(columns.map(({ key }, index) => [key, cells[index] ?? null])),
    ),
  };
}

function filtersOf(where: string | string[] | undefined) {
  return listOf(where).flatMap((text): (string | z.output<typeof FilterBody>)[] =>
    text.trimStart().startsWith('[') ? parsed(text, filters, 'where') : [text],
  );
}

function paramsOf(
  params: string | string[] | undefined,
): Record<string, string | number | boolean> {
  const entries = listOf(params).flatMap((text): [string, string | number | boolean][] => {
    if (text.trimStart().startsWith('{')) return Object.entries(parsed(text, ParamsBody, 'params'));
    const equals = text.indexOf('=');
    if (equals > 0) return [[text.slice(0, equals), text.slice(equals + 1)]];
    throw new DaybookError('E_PARAM', {
      where: 'params',
      got: shown(text),
      expected: 'name=value or a JSON object',
    });
  });
  return Object.fromEntries(entries);
}

function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : [value].flat();
}

function parsed<T extends z.ZodType>(text: string, schema: T, where: string): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new DaybookError(where === 'where' ? 'E_FILTER' : 'E_PARAM', {
    where: [where, ...issue.path].join('.'),
    got: shown(value === undefined ? text : value),
    expected: value === undefined ? 'JSON' : issue.message,
  });
}
