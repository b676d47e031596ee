import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { addDecimal, formatDecimal, parseDecimal } from '../../src/money/decimal.ts';
import type { CellValue, Chunk } from '../../src/reports/chunk.ts';
import { type DatasetName, datasetOf } from '../../src/reports/dataset.ts';
import {
  createFold,
  detailFold,
  foldBy,
  mergeTotals,
  summaryFold,
} from '../../src/reports/fold.ts';
import { measureOf } from '../../src/reports/group-cells.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import { reportKind } from '../../src/reports/registry.ts';
import type { DayTotals, FoldSpec } from '../../src/reports/totals.ts';
import { calendarOf, daysOf } from '../../src/time/calendar.ts';
import type { DayWindow } from '../../src/time/day-window.ts';
import { instantOfWall } from '../../src/time/local-time.ts';
import type { Period } from '../../src/time/period.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { chunkOf, type Row } from './naive-rows.ts';

/** Folds over real rows, mapped here by hand, against the figures that are known of them. */

const SKEW_MS = 300_000;

function textOf(path: string): string {
  return gunzipSync(readFileSync(sharedData(path))).toString('utf8');
}

const HOUR_MS = 3_600_000;
const hours = new Map<string, number>();

/** Both zones change their clocks on whole hours, so an hour is looked up once. */
function instantOf(zone: string, wallMs: number): number {
  const intoHour = wallMs % HOUR_MS;
  const key = `${zone} ${wallMs - intoHour}`;
  const known = hours.get(key) ?? instantOfWall(zone, wallMs - intoHour).instant;
  hours.set(key, known);
  return known + intoHour;
}

function bankCalls(path: string): Row[] {
  const rows: Row[] = [];
  for (const line of textOf(path).trimEnd().split(/\r?\n/).slice(1)) {
    const cells = line.split('\t').map((cell) => cell.trim());
    if (cells.length !== 17) continue;
    const [
      vru,
      call,
      customer,
      ,
      type,
      date,
      entry,
      vruExit,
      ,
      start,
      exit,
      wait,
      outcome,
      ...rest
    ] = cells;
    const [serStart, serExit, talk, server] = rest;
    const wall = (clock: string): number | null => {
      if (clock === '0:00:00') return null;
      const [hour, minute, second] = clock.split(':').map(Number);
      const [year, month, day] = [date.slice(0, 2), date.slice(2, 4), date.slice(4, 6)].map(Number);
      return Date.UTC(1900 + year, month - 1, day, hour, minute, second);
    };
    const first = wall(entry)!;
    const instant = (clock: string): number | null => {
      const at = wall(clock);
      if (at === null) return null;
      const wallMs = at < first - SKEW_MS ? at + 86_400_000 : at;
      return instantOf('Asia/Jerusalem', wallMs);
    };
    const startedAt = instantOf('Asia/Jerusalem', first);
    rows.push({
      external_id: `${vru}-${call}`,
      started_at: startedAt,
      queued_at: instant(start),
      answered_at: outcome === 'AGENT' ? instant(serStart) : null,
      ended_at: Math.max(...[serExit, exit, vruExit].map((clock) => instant(clock) ?? startedAt)),
      caller: customer === '0' ? null : customer,
      queue: type,
      agent: server === 'NO_SERVER' ? null : server,
      disposition: { AGENT: 'answered', HANG: 'abandoned', PHANTOM: 'ignored' }[outcome] ?? outcome,
      wait_seconds: Number(wait),
      talk_seconds: Number(talk),
    });
  }
  return rows.sort((a, b) => Number(a.started_at) - Number(b.started_at));
}

function retailLines(path: string): Row[] {
  const records: Record<string, string>[] = parse(textOf(path), { columns: true });
  return records.map((record, index) => ({
    order_id: record.InvoiceNo,
    line_no: index + 1,
    ordered_at: instantOf('Europe/London', Date.parse(`${record.InvoiceDate.replace(' ', 'T')}Z`)),
    kind: record.InvoiceNo.startsWith('C')
      ? 'credit'
      : record.InvoiceNo.startsWith('A')
        ? 'adjustment'
        : 'sale',
    sku: record.StockCode,
    description: record.Description === '' ? null : record.Description,
    quantity: record.Quantity,
    unit_price: record.UnitPrice,
    currency: 'GBP',
    region: record.Country,
  }));
}

interface DayChunk {
  readonly day: DayWindow;
  readonly chunk: Chunk;
}

/** Rows in canonical order, cut into the days of a period that holds them all. */
function cutIntoDays(
  name: DatasetName,
  rows: readonly Row[],
  zone: string,
  period: Period,
): DayChunk[] {
  const dataset = datasetOf(name);
  let next = 0;
  const days = daysOf(calendarOf(zone), period).map((day) => {
    const first = next;
    while (next < rows.length && Number(rows[next][dataset.anchor]) < day.end) next++;
    return { day, chunk: chunkOf(dataset, rows.slice(first, next)) };
  });
  expect(next).toBe(rows.length);
  return days;
}

function foldDays(spec: FoldSpec, days: readonly DayChunk[]): DayTotals[] {
  return days.map(({ day, chunk }) => {
    const fold = createFold(spec, day);
    fold.add(chunk, null);
    return fold.totals();
  });
}

/** A figure of the summary, after checking that the lines of the report add up to it. */
function figuresOf(report: string, days: readonly DayChunk[]) {
  const kind = reportKind(report);
  const period = { from: days[0].day.date, to: days[days.length - 1].day.date };
  const request = parseReportRequest({ report, ...period }, { locale: 'en' });
  const spec = summaryFold(kind, request);
  const summary = mergeTotals(spec, foldDays(spec, days));
  const lines = foldDays(detailFold(kind, request), days).flatMap(({ groups }) => groups);
  const unkeyed = lines.map((group) => ({ rows: 0, groups: [{ ...group, key: [] }] }));
  const sumOfLines = mergeTotals(foldBy(request, []), unkeyed);
  expect(summary.groups).toHaveLength(1);
  const figure = (key: string): CellValue => {
    const value = measureOf(kind, summary.groups[0], key);
    expect(measureOf(kind, sumOfLines.groups[0], key), `lines of ${key}`).toBe(value);
    return value;
  };
  return { rows: summary.rows, figure };
}

describe.runIf(hasSharedData)('a bank in 1999', () => {
  it.each([
    [
      'january',
      '1999-01-01',
      '1999-01-31',
      [31_599, 27_060, 4_299, 240, 27_018],
      4_964_204,
      1_155_763,
      6_430_652,
      5_317,
    ],
    [
      'october',
      '1999-10-01',
      '1999-10-31',
      [34_623, 30_861, 3_615, 147, 30_838],
      5_558_279,
      919_957,
      6_826_941,
      25_254,
    ],
  ] as const)(
    '%s adds up to its known figures',
    (month, from, to, counts, talk, wait, duration, longest) => {
      const rows = bankCalls(`calls/anonymousbank-1999-${month}.tsv.gz`);
      const days = cutIntoDays('calls', rows, 'Asia/Jerusalem', { from, to });
      const queues = figuresOf('queues', days);
      expect(queues.rows).toBe(counts[0]);
      const keys = ['calls', 'answered', 'abandoned', 'ignored'];
      expect(keys.map(queues.figure)).toEqual(counts.slice(0, 4));
      expect([queues.figure('talk_seconds'), queues.figure('wait_seconds')]).toEqual([talk, wait]);

      const calls = figuresOf('calls', days);
      expect(
        ['answered_talk_seconds', 'wait_seconds', 'duration_seconds', 'longest_call'].map(
          calls.figure,
        ),
      ).toEqual([talk, wait, duration, longest]);

      expect(calls.figure('with_answered_at')).toBe(counts[4]);
      const agents = figuresOf('agents', days);
      expect([agents.figure('answered'), agents.figure('talk_seconds')]).toEqual([counts[1], talk]);
      const traffic = figuresOf('traffic', days);
      expect([traffic.figure('attempts'), traffic.figure('talk_seconds')]).toEqual([
        counts[0] - counts[3],
        talk,
      ]);
    },
  );
});

describe.runIf(hasSharedData)('a wholesaler in 2011', () => {
  it('adds up to its known sums, by month and all, to the last digit', () => {
    const rows = retailLines('sales/online-retail-2010-12-to-2011-06.csv.gz');
    const days = cutIntoDays('order_lines', rows, 'Europe/London', {
      from: '2010-12-01',
      to: '2011-06-30',
    });
    const all = figuresOf('sales-daily', days);
    expect([all.rows, all.figure('net')]).toEqual([245_903, '4397950.761']);
    // Line by line the same: `net` is what is left of sales after credits and adjustments.
    const sales = figuresOf('sales', days);
    expect(sales.figure('net')).toBe('4397950.761');
    const exact = (key: string) => parseDecimal(String(sales.figure(key)))!;
    const parts = ['sales', 'credits', 'adjustments'].map(exact).reduce(addDecimal);
    expect(formatDecimal(parts)).toBe('4397950.761');
    const products = figuresOf('products', days);
    expect(products.figure('net')).toBe('4397950.761');
    const apart = ['sales', 'credits', 'adjustments'].map((key) => Number(all.figure(key)));
    expect(apart[1]).toBeLessThan(0);
    expect(apart[0] + apart[1] + apart[2]).toBeCloseTo(4_397_950.761, 3);
    const months = [
      '2010-12',
      '2011-01',
      '2011-02',
      '2011-03',
      '2011-04',
      '2011-05',
      '2011-06',
    ].map((month) => {
      const ofMonth = days.filter(({ day }) => day.date.startsWith(month));
      const spec = { report: 'sales-daily', by: ['currency'], where: [], params: {} } as const;
      const [group] = mergeTotals(spec, foldDays(spec, ofMonth)).groups;
      return measureOf(reportKind('sales-daily'), group, 'net');
    });
    expect(months).toEqual([
      '748957.02',
      '560000.26',
      '498062.65',
      '683267.08',
      '493207.121',
      '723333.51',
      '691123.12',
    ]);
  });
});
