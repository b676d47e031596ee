import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDecimal,
  type Decimal,
  divideToScale,
  formatDecimal,
  multiplyDecimal,
  parseDecimal,
  subtractDecimal,
  ZERO,
} from '../../src/money/decimal.ts';
import { type CellValue, cellAt } from '../../src/reports/chunk.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import { columnsAt } from '../../src/reports/define-report.ts';
import { createFold, detailFold } from '../../src/reports/fold.ts';
import { outColumns } from '../../src/reports/out-columns.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { projectGroups, projectRows } from '../../src/reports/project.ts';
import { reportKind } from '../../src/reports/registry.ts';
import { chunksOf, DAYS, type Row, rowsOf } from './naive-rows.ts';

/** The lines of reports against a plain reading of their definitions, a row at a time. */

type Line = Record<string, CellValue>;
const DAY = DAYS[1];

function linesOf(report: string, grain: string, rows: readonly Row[], params = {}): Line[] {
  const kind = reportKind(report);
  const dataset = datasetOf(kind.dataset);
  const request = parseReportRequest(
    {
      report,
      from: DAY.date,
      to: DAY.date,
      grain,
      params,
      columns: columnsAt(kind, grain as 'day').map(({ key }) => key),
    },
    { locale: 'en' },
  );
  const columns = outColumns(kind, request);
  const chunks = chunksOf(dataset, rows, [7, 3]);
  const fold = createFold(detailFold(kind, request), DAY);
  for (const chunk of chunks) fold.add(chunk, null);
  const lines =
    kind.shape === 'rows'
      ? chunks.map((chunk) => projectRows(kind, chunk, columns, DAY))
      : [
          projectGroups(kind, fold.totals(), columns, {
            date: grain === 'period' ? null : DAY.date,
            zone: DAY.zone,
          }),
        ];
  return lines.flatMap((chunk) =>
    Array.from({ length: chunk.rows }, (_, row) =>
      Object.fromEntries(
        columns.map(({ key }) => [key, cellAt(chunk.columns.get(key)!, row)] as const),
      ),
    ),
  );
}

/** Groups in the order of lines: by bytes, without a value last. */
function grouped(rows: readonly Row[], keyOf: (row: Row) => readonly CellValue[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify(keyOf(row));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const weight = (cell: CellValue): Buffer =>
    cell === null
      ? Buffer.from([255])
      : Buffer.from(String(cell).padStart(typeof cell === 'number' ? 20 : 0));
  return [...groups.values()].sort(([a], [b]) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    return left.reduce<number>(
      (order, cell, index) => order || Buffer.compare(weight(cell), weight(right[index])),
      0,
    );
  });
}

const count = (rows: readonly Row[], ...dispositions: string[]) =>
  rows.filter((row) => dispositions.includes(String(row.disposition))).length;
const values = (rows: readonly Row[], field: string) =>
  rows.flatMap((row) => (row[field] === null ? [] : [Number(row[field])]));
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const greatest = (numbers: readonly number[]) => (numbers.length ? Math.max(...numbers) : null);
const least = (numbers: readonly number[]) => (numbers.length ? Math.min(...numbers) : null);
const whole = (n: number): Decimal => ({ unscaled: BigInt(n), scale: 0 });
const quotient = (a: number, b: number, scale: number) =>
  b === 0 ? null : formatDecimal(divideToScale(whole(a), whole(b), scale), scale);
const exact = (cell: CellValue) => (cell === null ? ZERO : parseDecimal(String(cell))!);
const total = (rows: readonly Row[], of: (row: Row) => Decimal) =>
  formatDecimal(
    rows.reduce((all, row) => addDecimal(all, of(row)), ZERO),
    0,
  );
const netOf = (row: Row) =>
  subtractDecimal(multiplyDecimal(exact(row.quantity), exact(row.unit_price)), exact(row.discount));
const last = (rows: readonly Row[], field: string) =>
  rows.findLast((row) => row[field] !== null)?.[field] ?? null;

const UNANSWERED = ['no_answer', 'busy', 'failed', 'voicemail'];
const OFFERED = ['answered', 'abandoned', ...UNANSWERED];
const where = (rows: readonly Row[], ...dispositions: string[]) =>
  rows.filter((row) => dispositions.includes(String(row.disposition)));
const numRuns = 150;

describe('a line of', () => {
  it('queues', () => {
    fc.assert(
      fc.property(rowsOf('calls', DAY, 60), fc.nat({ max: 60 }), (rows, limit) => {
        const expected = grouped(rows, (row) => [row.queue]).map((group) => {
          const offered = where(group, ...OFFERED);
          const answered = where(group, 'answered');
          const inTime = values(answered, 'wait_seconds').filter((wait) => wait <= limit).length;
          const waits = values(offered, 'wait_seconds');
          const answeredWaits = values(answered, 'wait_seconds');
          const talk = sum(values(answered, 'talk_seconds'));
          return {
            date: DAY.date,
            queue: group[0].queue,
            calls: group.length,
            offered: offered.length,
            answered: answered.length,
            in_time: inTime,
            abandoned: count(group, 'abandoned'),
            other: count(group, ...UNANSWERED),
            ignored: count(group, 'ignored'),
            service_level: quotient(inTime, offered.length, 4),
            abandoned_rate: quotient(count(group, 'abandoned'), offered.length, 4),
            average_wait: quotient(sum(waits), waits.length, 2),
            average_speed_of_answer: quotient(sum(answeredWaits), answeredWaits.length, 2),
            longest_wait: greatest(waits),
            wait_seconds: sum(values(group, 'wait_seconds')),
            abandoned_wait_seconds: sum(values(where(group, 'abandoned'), 'wait_seconds')),
            talk_seconds: talk,
            average_handle_time: quotient(talk, answered.length, 2),
          };
        });
        expect(linesOf('queues', 'day', rows, { service_level_seconds: limit })).toEqual(expected);
      }),
      { numRuns },
    );
  });

  it('agents, of answered calls only, also of those without an agent', () => {
    fc.assert(
      fc.property(rowsOf('calls', DAY, 60), (rows) => {
        const expected = grouped(where(rows, 'answered'), (row) => [row.agent]).map((group) => {
          const talk = sum(values(group, 'talk_seconds'));
          const starts = values(group, 'started_at');
          return {
            agent: group[0].agent,
            answered: group.length,
            talk_seconds: talk,
            average_talk: quotient(talk, group.length, 2),
            longest_talk: greatest(values(group, 'talk_seconds')),
            wait_seconds: sum(values(group, 'wait_seconds')),
            duration_seconds: sum(
              group.map((row) =>
                Math.trunc((Number(row.ended_at) - Number(row.started_at)) / 1000),
              ),
            ),
            first_call: least(starts),
            last_call: greatest(starts),
          };
        });
        expect(linesOf('agents', 'period', rows)).toEqual(expected);
      }),
      { numRuns },
    );
  });

  it('traffic, by hours of which the clocks show one twice', () => {
    const hour = 3_600_000;
    fc.assert(
      fc.property(rowsOf('calls', DAY, 60), (rows) => {
        const figures = (group: readonly Row[]) => {
          const talk = sum(values(where(group, 'answered'), 'talk_seconds'));
          const answered = count(group, 'answered');
          const attempts = count(group, ...OFFERED);
          return {
            attempts,
            answered,
            ignored: count(group, 'ignored'),
            asr: quotient(answered, attempts, 4),
            acd: quotient(talk, answered, 2),
            minutes: quotient(talk, 60, 2),
            talk_seconds: talk,
          };
        };
        // Vienna's offset is of whole hours, so local hours are those of UTC.
        const start = (row: Row) => Math.floor(Number(row.started_at) / hour) * hour;
        expect(linesOf('traffic', 'row', rows)).toEqual(
          grouped(rows, (row) => [start(row)]).map((group) => ({
            hour_start: start(group[0]),
            ...figures(group),
          })),
        );
        const change = Date.UTC(2025, 9, 26, 1);
        const ofDay = (row: Row) =>
          new Date(
            Number(row.started_at) + (Number(row.started_at) < change ? 2 : 1) * hour,
          ).getUTCHours();
        expect(linesOf('traffic', 'period', rows)).toEqual(
          grouped(rows, (row) => [ofDay(row)]).map((group) => ({
            hour: ofDay(group[0]),
            ...figures(group),
          })),
        );
        expect(linesOf('traffic', 'day', rows)).toEqual(
          rows.length === 0 ? [] : [{ date: DAY.date, ...figures(rows) }],
        );
      }),
      { numRuns },
    );
  });

  it('sales-daily and products, exact however long the numbers', () => {
    const ofKind = (rows: readonly Row[], kind: string) =>
      rows.filter((row) => (row.kind ?? 'sale') === kind);
    const money = (group: readonly Row[]) => ({
      currency: group[0].currency,
      orders: new Set(group.map((row) => row.order_id)).size,
      lines: group.length,
      quantity: total(group, (row) => exact(row.quantity)),
      net: total(group, netOf),
      discount: total(group, (row) => exact(row.discount)),
      tax: total(group, (row) => exact(row.tax)),
    });
    fc.assert(
      fc.property(rowsOf('order_lines', DAY, 60), (rows) => {
        expect(linesOf('sales-daily', 'day', rows)).toEqual(
          grouped(rows, (row) => [row.currency]).map((group) => ({
            date: DAY.date,
            ...money(group),
            sales: total(ofKind(group, 'sale'), netOf),
            credits: total(ofKind(group, 'credit'), netOf),
            adjustments: total(ofKind(group, 'adjustment'), netOf),
          })),
        );
        expect(linesOf('products', 'period', rows)).toEqual(
          grouped(rows, (row) => [row.sku, row.currency]).map((group) => {
            const sold = ofKind(group, 'sale').filter((row) => exact(row.quantity).unscaled > 0n);
            const returned = ofKind(group, 'credit');
            const rest = group.filter((row) => !sold.includes(row) && !returned.includes(row));
            const quantity = (of: readonly Row[]) => total(of, (row) => exact(row.quantity));
            return {
              sku: group[0].sku,
              description: last(group, 'description'),
              ...money(group),
              sold: quantity(sold),
              returned: quantity(returned),
              corrected: quantity(rest),
            };
          }),
        );
      }),
      { numRuns },
    );
  });

  it('sales: net is quantity × unit price − discount, to the last digit', () => {
    fc.assert(
      fc.property(rowsOf('order_lines', DAY, 60), (rows) => {
        const lines = linesOf('sales', 'row', rows);
        expect(
          lines.map(({ net, gross, order_id, unit_price }) => [net, gross, order_id, unit_price]),
        ).toEqual(
          rows.map((row) => [
            formatDecimal(netOf(row), 0),
            formatDecimal(multiplyDecimal(exact(row.quantity), exact(row.unit_price)), 0),
            row.order_id,
            row.unit_price,
          ]),
        );
      }),
      { numRuns },
    );
  });

  it('calls: the offset that was in force, the local date, the duration without its fraction', () => {
    const row = (started: string, ended: string): Row => ({
      external_id: 'x',
      started_at: Date.parse(started),
      ended_at: Date.parse(ended),
      disposition: 'answered',
    });
    const rows = [
      row('2025-10-26T00:59:59.500Z', '2025-10-26T01:00:01.400Z'),
      row('2025-10-26T01:00:00Z', '2025-10-27T01:00:00Z'),
      row('2025-10-26T02:00:00Z', '2025-10-26T01:59:59.900Z'),
    ];
    expect(
      linesOf('calls', 'row', rows).map((line) => [
        line.utc_offset,
        line.local_date,
        line.duration_seconds,
      ]),
    ).toEqual([
      ['+02:00', '2025-10-26', 1],
      ['+01:00', '2025-10-26', 86_400],
      ['+01:00', '2025-10-26', 0],
    ]);
  });
});
