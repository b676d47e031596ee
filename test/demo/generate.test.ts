import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openingHours, QUEUES } from '../../src/demo/call-centre.ts';
import type { DemoCall, DemoOrderLine } from '../../src/demo/demo-rows.ts';
import {
  type DemoDay,
  type DemoPeriod,
  generateCalls,
  generateOrderLines,
  ndjsonOf,
} from '../../src/demo/generate.ts';
import { DATASETS } from '../../src/reports/dataset.ts';
import { localTextOf } from '../../src/time/local-time.ts';

const ZONE = 'America/New_York';
const PERIOD: DemoPeriod = { seed: 'demo', zone: ZONE, from: '2026-03-01', to: '2026-11-08' };
const callDays = [...generateCalls(PERIOD)];
const calls = callDays.flatMap((day) => day.rows);
const orderDays = [...generateOrderLines(PERIOD)];
const orderLines = orderDays.flatMap((day) => day.rows);
const queued = calls.filter((call) => call.queued_at !== null);

function sha256Of(days: Iterable<DemoDay<DemoCall> | DemoDay<DemoOrderLine>>): string {
  const hash = createHash('sha256');
  for (const bytes of ndjsonOf(days)) hash.update(bytes);
  return hash.digest('hex');
}

const share = (part: readonly unknown[], whole: readonly unknown[]) => part.length / whole.length;

describe('the demo generator', () => {
  it('gives the same bytes twice, and others for another seed', () => {
    expect(sha256Of(generateCalls(PERIOD))).toBe(sha256Of(callDays));
    expect(sha256Of(generateOrderLines(PERIOD))).toBe(sha256Of(orderDays));
    expect(sha256Of(generateCalls({ ...PERIOD, seed: 'other' }))).not.toBe(sha256Of(callDays));
  });

  it('makes a day from its seed and date alone, whatever the period around it', () => {
    fc.assert(
      fc.property(fc.nat(callDays.length - 1), fc.nat(5), (index, more) => {
        const from = callDays[index].day.date;
        const to = callDays[Math.min(index + more, callDays.length - 1)].day.date;
        const period = { ...PERIOD, from, to };
        expect([...generateCalls(period)][0]).toEqual(callDays[index]);
        expect([...generateOrderLines(period)][0]).toEqual(orderDays[index]);
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    'America/New_York',
    'Europe/Lisbon',
    'America/Sao_Paulo',
    'America/Havana',
    'Pacific/Apia',
  ])('anchors every row in its own day, in canonical order, in %s', (zone) => {
    for (const [from, to] of [
      ['2018-10-20', '2018-11-12'],
      ['2011-12-27', '2012-01-02'],
    ]) {
      const period = { seed: 's', zone, from, to };
      for (const { day, rows } of generateCalls(period)) {
        let last = day.start;
        for (const call of rows) {
          expect(call.started_at).toBeGreaterThanOrEqual(last);
          expect(call.started_at).toBeLessThan(day.end);
          last = call.started_at;
        }
        expect([...rows].map((call) => call.external_id).sort()).toEqual(
          rows.map((call) => call.external_id),
        );
      }
      for (const { day, rows } of generateOrderLines(period)) {
        for (const line of rows) {
          expect(line.ordered_at >= day.start && line.ordered_at < day.end).toBe(true);
        }
      }
    }
  });

  it('bears the fields of the datasets, the required ones filled, and no key twice', () => {
    const names = (dataset: 'calls' | 'order_lines') => DATASETS[dataset].fields.map((f) => f.name);
    expect(Object.keys(calls[0]).sort()).toEqual(names('calls').sort());
    expect(Object.keys(orderLines[0]).sort()).toEqual(names('order_lines').sort());
    for (const { name } of DATASETS.calls.fields.filter((field) => field.required)) {
      expect(calls.every((call) => call[name as keyof DemoCall] !== null)).toBe(true);
    }
    expect(new Set(calls.map((call) => call.external_id)).size).toBe(calls.length);
    expect(new Set(orderLines.map((line) => `${line.order_id}/${line.line_no}`)).size).toBe(
      orderLines.length,
    );
  });
});

describe('the demo calls', () => {
  it('enter a queue within opening hours only; closed hours end in voicemail or nothing', () => {
    for (const call of calls.filter((each) => each.direction === 'inbound')) {
      const local = localTextOf(ZONE, call.started_at);
      const hours = openingHours(local.slice(0, 10));
      const hour = Number(local.slice(11, 13)) + Number(local.slice(14, 16)) / 60;
      const open = hours !== null && hour >= hours[0] && hour < hours[1];
      if (call.queued_at !== null) expect(open, local).toBe(true);
      if (!open) expect(['voicemail', 'no_answer']).toContain(call.disposition);
    }
  });

  it('keep their clock: start ≤ queue ≤ answer ≤ end, wait and talk as the instants say', () => {
    for (const call of calls) {
      const instants = [call.started_at, call.queued_at, call.answered_at, call.ended_at].filter(
        (instant) => instant !== null,
      );
      expect(instants).toEqual([...instants].sort((a, b) => a - b));
      if (call.answered_at !== null) {
        expect(call.disposition).toBe('answered');
        expect(call.talk_seconds).toBe((call.ended_at - call.answered_at) / 1000);
      }
      if (call.queued_at !== null) {
        expect(call.wait_seconds).toBe(
          ((call.answered_at ?? call.ended_at) - call.queued_at) / 1000,
        );
      }
    }
  });

  it('never give an agent two answered conversations at once', () => {
    const busyUntil = new Map<string, number>();
    const answered = calls.filter((call) => call.agent !== null && call.answered_at !== null);
    for (const call of answered.sort((a, b) => a.answered_at! - b.answered_at!)) {
      expect(call.answered_at!).toBeGreaterThanOrEqual(busyUntil.get(call.agent!) ?? 0);
      busyUntil.set(call.agent!, call.ended_at);
    }
  });

  it('abandon between 2 and 12 % in every queue, at a service level of 75 to 97 %', () => {
    for (const { name } of QUEUES) {
      const offered = queued.filter((call) => call.queue === name);
      const abandoned = share(
        offered.filter((call) => call.disposition === 'abandoned'),
        offered,
      );
      const inTime = share(
        offered.filter((call) => call.disposition === 'answered' && call.wait_seconds! <= 20),
        offered,
      );
      expect(abandoned, name).toBeGreaterThan(0.02);
      expect(abandoned, name).toBeLessThan(0.12);
      expect(inTime, name).toBeGreaterThan(0.75);
      expect(inTime, name).toBeLessThan(0.97);
    }
  });

  it('abandon more on days on which people wait longer', () => {
    const days = callDays
      .map(({ rows }) => rows.filter((call) => call.queued_at !== null))
      .filter((rows) => rows.length >= 100)
      .map((rows) => ({
        wait: rows.reduce((sum, call) => sum + call.wait_seconds!, 0) / rows.length,
        abandoned: share(
          rows.filter((call) => call.disposition === 'abandoned'),
          rows,
        ),
      }))
      .sort((a, b) => a.wait - b.wait);
    const mean = (part: typeof days) =>
      part.reduce((sum, day) => sum + day.abandoned, 0) / part.length;
    const quarter = Math.floor(days.length / 4);
    expect(mean(days.slice(-quarter))).toBeGreaterThan(2 * mean(days.slice(0, quarter)));
  });

  it('are heaviest on Mondays, fewest on Sundays, and dip at lunch', () => {
    const byWeekday = Array.from({ length: 7 }, () => 0);
    const byHour = Array.from({ length: 24 }, () => 0);
    for (const call of queued) {
      const local = localTextOf(ZONE, call.started_at);
      byWeekday[new Date(`${local.slice(0, 10)}T00:00:00Z`).getUTCDay()]++;
      byHour[Number(local.slice(11, 13))]++;
    }
    expect(Math.max(...byWeekday)).toBe(byWeekday[1]);
    expect(Math.min(...byWeekday)).toBe(byWeekday[0]);
    expect(byHour[12]).toBeLessThan(byHour[10] * 0.8);
    expect(byHour[12]).toBeLessThan(byHour[14] * 0.8);
  });

  it('come from fictional numbers only, many of them more than once', () => {
    const fictional =
      /^(\+1[2-9]\d{2}55501\d{2}|\+442079460\d{3}|\+441614960\d{3}|\+447700900\d{3}|\+6125550\d{4})$/;
    const callers = calls.filter((c) => c.direction === 'inbound').map((c) => c.caller);
    const known = callers.filter((caller) => caller !== null);
    for (const caller of new Set(known)) expect(caller).toMatch(fictional);
    expect(new Set(known).size).toBeLessThan(known.length / 3);
    expect(callers.length - known.length).toBeGreaterThan(0);
  });
});

describe('the demo order lines', () => {
  it('are sales for the most part, 1 to 6 % credits, and a few adjustments', () => {
    const of = (kind: string) => orderLines.filter((line) => line.kind === kind);
    expect(share(of('credit'), orderLines)).toBeGreaterThan(0.01);
    expect(share(of('credit'), orderLines)).toBeLessThan(0.06);
    expect(share(of('adjustment'), orderLines)).toBeLessThan(0.02);
    expect(of('adjustment').length).toBeGreaterThan(0);
  });

  it('credit no more than an earlier order of the same customer sold, at its price', () => {
    const sales = orderLines.filter((line) => line.kind === 'sale');
    const first = orderDays[30].day.start;
    for (const credit of orderLines.filter((l) => l.kind === 'credit' && l.ordered_at > first)) {
      const origin = sales.find(
        (sale) =>
          sale.customer === credit.customer &&
          sale.sku === credit.sku &&
          sale.unit_price === credit.unit_price &&
          sale.ordered_at < credit.ordered_at &&
          Number(sale.quantity) >= -Number(credit.quantity),
      );
      expect(origin, credit.order_id).toBeDefined();
      expect(Number(credit.quantity)).toBeLessThan(0);
    }
  });

  it('carry money as exact decimals with two places, in two currencies', () => {
    for (const line of orderLines) {
      for (const money of [line.unit_price, line.discount, line.tax]) {
        expect(money).toMatch(/^-?\d+\.\d\d$/);
      }
    }
    expect(new Set(orderLines.map((line) => line.currency))).toEqual(new Set(['USD', 'CAD']));
  });
});
