import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import type { Summary } from '../../src/reports/summary.ts';
import { createSummaryProducer } from '../../src/scheduler/produce-summary.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { calendarOf } from '../../src/time/calendar.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';

/** Totals outlive their rows: what needs them alone touches neither a thread nor a part. */

const PERIOD = { from: '2026-03-01', to: '2026-03-05' };
let test: TestDatabase;
let tenantId: string;
let home: string;
let engine: TestEngine;
let days: string[] = [];

beforeAll(async () => {
  test = await freshDatabase();
  home = mkdtempSync(join(tmpdir(), 'daybook-totals-'));
  ({ id: tenantId } = await addTestTenant(test.database, { name: 'a', zone: 'Asia/Kolkata' }));
  await test.database.asTenant(tenantId, async (tx) => {
    await tx.run(
      `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition,
         queue, agent, wait_seconds, talk_seconds)
       select $1, 'c' || i, timestamptz '2026-03-01' + i * interval '7 min',
         timestamptz '2026-03-01' + i * interval '7 min 1 s',
         (array['answered', 'abandoned', 'ignored'])[1 + i % 3], 'q' || i % 5, 'a' || i % 7,
         i % 61, i % 353
       from generate_series(0, 1000) i`,
      [tenantId],
    );
    await tx.run(
      `insert into daybook.order_lines (tenant_id, order_id, line_no, ordered_at, sku, quantity,
         unit_price, currency, region)
       select $1, 'o' || i / 3, i % 3, timestamptz '2026-03-01' + i * interval '11 min', 's' || i % 9,
         i % 4, 1.25, (array['EUR', 'USD'])[1 + i % 2], 'r' || i % 4
       from generate_series(0, 600) i`,
      [tenantId],
    );
  });
  engine = startEngine({
    database: test.database,
    home,
    onDay: ({ report }, extracted) => days.push(`${report} ${extracted}`),
  });
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
  rmSync(home, { recursive: true, force: true });
});

function summarise(report: string, by: string | null, over: object = {}): Promise<Summary> {
  const request = parseReportRequest({ report, ...PERIOD, ...over }, { locale: 'en' });
  const source = createPostgresSource(test.database);
  const deps = { database: test.database, source, dispatcher: engine.dispatcher, home };
  const tenant = { id: tenantId, calendar: calendarOf('Asia/Kolkata') };
  return createSummaryProducer(deps)({ tenant, request, by }, AbortSignal.timeout(20_000));
}

/** What `work` gave, and the days that it had made. */
async function counting<T>(work: () => Promise<T>): Promise<[T, readonly string[]]> {
  days = [];
  const result = await work();
  return [result, days];
}

const uncounted = ({ days: _, ...summary }: Summary) => summary;

async function evict(): Promise<void> {
  await test.database.asTenant(tenantId, (tx) => tx.run('delete from daybook.parts'));
  rmSync(join(home, 'parts'), { recursive: true, force: true });
}

async function forgetTotals(): Promise<void> {
  await test.database.asTenant(tenantId, (tx) => tx.run('delete from daybook.part_totals'));
}

describe('a summary', () => {
  it.each([
    ['calls', 'day,queue'],
    ['queues', 'hour'],
    ['sales', 'region,day'],
    ['products', 'currency'],
  ])(
    'of %s by %s reads rows once, and never again after all parts were evicted',
    async (report, by) => {
      await forgetTotals();
      const [first, made] = await counting(() => summarise(report, by));
      expect(made).toHaveLength(5);
      const [again, none] = await counting(() => summarise(report, by));
      expect(none).toEqual([]);
      await evict();
      const [evicted, still] = await counting(() => summarise(report, by));
      expect(still).toEqual([]);
      expect(uncounted(again)).toEqual(uncounted(first));
      expect(evicted).toEqual(again);
      expect(again.days).toEqual({ total: 5, cached: 5 });
      await forgetTotals();
      expect(uncounted(await summarise(report, by, { cache: false }))).toEqual(uncounted(first));
    },
  );

  it('by the day needs no totals of its own: they are those of the file of the period', async () => {
    await forgetTotals();
    await engine.export(tenantId, { report: 'calls', ...PERIOD, format: 'csv' });
    const [byDay, made] = await counting(() => summarise('calls', 'day'));
    expect(made).toEqual([]);
    expect(byDay.groups?.rows).toHaveLength(5);
    expect(uncounted(await summarise('calls', 'day', { cache: false }))).toEqual(uncounted(byDay));
  });

  it('by fewer dimensions is merged from one by more, unless it counts different values', async () => {
    await forgetTotals();
    await summarise('queues', 'queue,agent');
    await evict();
    const [byAgent, made] = await counting(() => summarise('queues', 'agent'));
    expect(made).toEqual([]);
    expect(uncounted(await summarise('queues', 'agent', { cache: false }))).toEqual(
      uncounted(byAgent),
    );
    await summarise('sales', 'region,sku');
    const [, orders] = await counting(() => summarise('sales', 'region'));
    expect(orders).toHaveLength(5);
  });

  it('is made anew for the day alone whose rows changed', async () => {
    await summarise('queues', 'queue');
    await test.database.asTenant(tenantId, (tx) =>
      tx.run(`update daybook.calls set queue = 'new' where external_id = 'c300'`),
    );
    const [changed, made] = await counting(() => summarise('queues', 'queue'));
    expect(made).toHaveLength(1);
    expect(changed.groups?.rows.map(([queue]) => queue)).toContain('new');
  });
});

describe('a file of lines of the whole period', () => {
  it('is made of totals alone after all parts were evicted, byte for byte', async () => {
    const request = { report: 'agents', ...PERIOD, format: 'xlsx' };
    const first = await engine.export(tenantId, request);
    await evict();
    const [again, made] = await counting(() => engine.export(tenantId, request));
    expect(made).toEqual([]);
    expect(again.run).toMatchObject({ daysCached: 5, rowsRead: first.run.rowsRead });
    expect(again.bytes.equals(first.bytes)).toBe(true);
  });
});
