import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DaybookError } from '../../src/errors.ts';
import { buildDocument, type DocumentDay } from '../../src/reports/build-document.ts';
import { buildSummary, parseSummaryBy } from '../../src/reports/build-summary.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import { describeReports } from '../../src/reports/describe.ts';
import type { Table } from '../../src/reports/document.ts';
import { compileFilter } from '../../src/reports/filter.ts';
import {
  createFold,
  detailFold,
  foldBy,
  mergeTotals,
  summaryFold,
} from '../../src/reports/fold.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { listReportKinds, reportKind } from '../../src/reports/registry.ts';
import { LOCALES, type ReportRequest } from '../../src/reports/request.ts';
import type { FoldSpec } from '../../src/reports/totals.ts';
import { chunkOf, DAYS, daysOfRows, type Row } from './naive-rows.ts';

const PERIOD = { from: DAYS[0].date, to: DAYS[2].date };

function requestOf(report: string, more: Record<string, unknown> = {}): ReportRequest {
  return parseReportRequest({ report, ...PERIOD, ...more }, { locale: 'en' });
}

function foldDays(spec: FoldSpec, days: readonly (readonly Row[])[]) {
  const dataset = datasetOf(reportKind(spec.report).dataset);
  return days.map((rows, index) => {
    const day = DAYS[index];
    const chunk = chunkOf(dataset, rows);
    const fold = createFold(spec, day);
    fold.add(chunk, compileFilter(dataset, spec.where, day.zone)(chunk));
    return fold.totals();
  });
}

function documentOf(
  request: ReportRequest,
  rows: readonly (readonly Row[])[],
  change: (days: DocumentDay[], fileRows: number) => { days: DocumentDay[]; fileRows: number } = (
    days,
    fileRows,
  ) => ({ days, fileRows }),
) {
  const kind = reportKind(request.report);
  const details = foldDays(detailFold(kind, request), rows);
  const period = kind.shape === 'groups' && request.grain === 'period';
  const days = foldDays(summaryFold(kind, request), rows).map((totals, index): DocumentDay => {
    const lines = kind.shape === 'rows' ? totals.rows : details[index].groups.length;
    return {
      day: DAYS[index],
      rows: rows[index].length,
      fileRows: period ? 0 : lines,
      rowsSha256: 'ab12'.repeat(16),
      totals,
    };
  });
  const fileRows = period
    ? mergeTotals(detailFold(kind, request), details).groups.length
    : days.reduce((sum, day) => sum + day.fileRows, 0);
  return buildDocument({
    kind,
    request,
    tenantName: 'Acme',
    window: { start: DAYS[0].start, end: DAYS[DAYS.length - 1].end },
    irregular: [{ date: DAYS[1].date, zone: DAYS[1].zone, hours: 25, startsAt: '00:00:00' }],
    dataAsOf: 1,
    revision: 1,
    ...change(days, fileRows),
  });
}

const line = (day: number, more: Row): Row => ({
  order_id: `o${day}`,
  line_no: 1,
  ordered_at: DAYS[day].start + 3_600_000,
  sku: 's',
  ...more,
});
const SALES: Row[][] = [
  [
    line(0, { quantity: '2', unit_price: '2.555', currency: 'EUR' }),
    line(0, { quantity: '-1', unit_price: '1', kind: 'credit', currency: 'EUR' }),
  ],
  [],
  [line(2, { quantity: '1', unit_price: '10', currency: 'USD', discount: '0.50' })],
];

const column = (table: Table, key: string) => {
  const index = table.columns.findIndex((candidate) => candidate.key === key);
  return table.rows.map((row) => row[index]);
};

describe('the document of a file', () => {
  const document = documentOf(requestOf('sales', { where: ['quantity>=-5'] }), SALES);

  it('has totals per currency, never over currencies', () => {
    expect(column(document.totals, 'currency')).toEqual(['EUR', 'USD']);
    expect(column(document.totals, 'net')).toEqual(['4.11', '9.5']);
    expect(column(document.totals, 'credits')).toEqual(['-1', '0']);
  });

  it('has every day among its days, also the empty one', () => {
    expect(column(document.byDay, 'day')).toEqual(DAYS.map(({ date }) => date));
    expect(column(document.byDay, 'currency')).toEqual(['EUR', null, 'USD']);
    expect(column(document.byDay, 'net')).toEqual(['4.11', '0', '9.5']);
  });

  it('has control totals: the window and content of each day, their sum, the check', () => {
    const { control } = document;
    expect(column(control, 'date')).toEqual([
      ...DAYS.map(({ date }) => date),
      'Sum',
      'Sum',
      'Check',
    ]);
    expect(column(control, 'hours').slice(0, 3)).toEqual(['24', '25', '24']);
    expect(column(control, 'starts_at')[1]).toBe('2025-10-26 00:00:00 +02:00');
    expect(column(control, 'ends_at')[1]).toBe('2025-10-27 00:00:00 +01:00');
    expect(column(control, 'content')[0]).toBe('ab12ab12ab12');
    expect(column(control, 'rows')).toEqual([2, 0, 1, 2, 1, null]);
    expect(column(control, 'net')).toEqual(['4.11', '0', '9.5', '4.11', '9.5', null]);
    expect(control.rows.at(-1)?.slice(0, 2)).toEqual(['Check', 'OK']);
  });

  it('says the filters, zone and window', () => {
    expect(document.filters).toEqual(['quantity >= -5']);
    expect(document.zones).toEqual(['Europe/Vienna']);
    expect(document.window).toEqual({ start: DAYS[0].start, end: DAYS[2].end });
  });

  it('speaks the locale of the request, or keys', () => {
    const spanish = documentOf(requestOf('queues', { locale: 'es' }), [[], [], []]);
    expect([spanish.title, spanish.control.rows.at(-1)?.[0]]).toEqual(['Colas', 'Verificación']);
    expect(spanish.params).toEqual([{ name: 'Umbral del nivel de servicio (s)', value: '20' }]);
    const keys = documentOf(requestOf('queues', { headers: 'keys' }), [[], [], []]);
    expect(keys.totals.columns.map(({ key }) => key)).toEqual(
      keys.totals.columns.map(({ header }) => header),
    );
  });
});

describe.each(listReportKinds().map((kind) => [kind.name, kind] as const))('%s', (name, kind) => {
  it('has a document over any rows, at every grain, with lines as wide as their columns', () => {
    fc.assert(
      fc.property(daysOfRows(kind.dataset), (rows) => {
        for (const grain of kind.grains) {
          const document = documentOf(requestOf(name, { grain }), rows);
          for (const table of [document.totals, document.byDay, document.control]) {
            for (const cells of table.rows) expect(cells).toHaveLength(table.columns.length);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  const broken: [string, (days: DocumentDay[], fileRows: number) => object][] = [
    ['a row too many in the file', (days, fileRows) => ({ days, fileRows: fileRows + 1 })],
    [
      'a day with a row more than was folded',
      ([a, ...days], fileRows) => ({ days: [{ ...a, rows: a.rows + 1 }, ...days], fileRows }),
    ],
    [
      'a day folded twice',
      ([a, ...days], fileRows) => ({
        days: [
          { ...a, totals: mergeTotals(summaryFold(kind, requestOf(name)), [a.totals, a.totals]) },
          ...days,
        ],
        fileRows,
      }),
    ],
  ];
  it.each(broken)('is refused a document for %s', (_, change) => {
    const grain = kind.grains[0];
    const row = (day: number): Row =>
      kind.dataset === 'calls'
        ? {
            external_id: 'a',
            started_at: DAYS[day].start,
            ended_at: DAYS[day].start,
            disposition: 'answered',
          }
        : line(day, { quantity: '1', unit_price: '1' });
    const rows = [[row(0)], [row(1)], [row(2)]];
    expect(() => documentOf(requestOf(name, { grain }), rows)).not.toThrow();
    expect(() => documentOf(requestOf(name, { grain }), rows, change as never)).toThrow(
      expect.objectContaining({ name: 'DaybookError', code: 'E_TOTALS_MISMATCH' }),
    );
  });
});

describe('a summary', () => {
  it('by a dimension has a line per value, and totals that do not count an order twice', () => {
    const kind = reportKind('sales');
    const rows = [
      [
        line(0, { quantity: '1', unit_price: '1', currency: 'EUR', region: 'N' }),
        line(0, { quantity: '1', unit_price: '2', currency: 'EUR', region: 'S' }),
      ],
      [],
      [],
    ];
    const request = requestOf('sales');
    const spec = foldBy(request, parseSummaryBy(kind, 'region'));
    const overall = summaryFold(kind, request);
    const summary = buildSummary({
      spec,
      totals: mergeTotals(spec, foldDays(spec, rows)),
      overall: mergeTotals(overall, foldDays(overall, rows)),
      locale: 'en',
      headers: 'keys',
    });
    const { groups, totals } = summary;
    expect(groups.columns.map(({ key }) => key).slice(0, 3)).toEqual([
      'region',
      'currency',
      'orders',
    ]);
    expect(column(groups, 'region')).toEqual(['N', 'S']);
    expect(column(groups, 'orders')).toEqual([1, 1]);
    expect(column(totals, 'orders')).toEqual([1]);
    expect([column(totals, 'currency'), column(totals, 'net')]).toEqual([['EUR'], ['3']]);
  });

  it('over nothing has no lines and one total of zeros', () => {
    const spec = foldBy(requestOf('queues'), ['queue']);
    const none = mergeTotals(spec, []);
    const summary = buildSummary({
      spec,
      totals: none,
      overall: none,
      locale: 'en',
      headers: 'keys',
    });
    expect(summary.groups.rows).toEqual([]);
    expect(column(summary.totals, 'offered')).toEqual([0]);
    expect(column(summary.totals, 'service_level')).toEqual([null]);
  });

  it('refuses what is no dimension, with the nearest', () => {
    expect(() => parseSummaryBy(reportKind('queues'), 'queu')).toThrow(
      /by: got "queu".*mean queue/,
    );
    expect(() => parseSummaryBy(reportKind('queues'), 'queue,queue')).toThrow(DaybookError);
  });
});

it('descriptions are plain JSON that names every column and a label in the locale', () => {
  for (const locale of LOCALES) {
    const described = describeReports(locale);
    expect(JSON.parse(JSON.stringify(described))).toEqual(described);
    for (const { columns, figures, dimensions, filters } of described) {
      for (const { label } of [...columns, ...figures, ...dimensions, ...filters]) {
        expect(label).not.toBe('');
      }
    }
  }
});
