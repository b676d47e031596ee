import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startSummaryUses } from '../../../src/api/summary-uses.ts';
import { parseReportRequest, type RawRequest } from '../../../src/reports/parse-request.ts';
import { type AheadSummary, planAhead } from '../../../src/scheduler/ahead/plan-ahead.ts';
import { studyDemand } from '../../../src/scheduler/ahead/study-demand.ts';
import { createSummaryProducer } from '../../../src/scheduler/produce-summary.ts';
import { createPostgresSource } from '../../../src/sources/postgres/postgres-source.ts';
import { type DayAhead, listDaysAhead } from '../../../src/store/days-ahead.ts';
import { listRuns, type RunRow } from '../../../src/store/runs.ts';
import { addSchedule } from '../../../src/store/save-schedule.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { calendarOf } from '../../../src/time/calendar.ts';
import { addTestTenant, freshDatabase } from '../../support/database.ts';
import { startEngine } from '../../support/engine.ts';

/** Yesterday made ahead: asked, planned, executed and found, over a real database. */

const at = (text: string) => Date.parse(text);
const homes: string[] = [];
afterAll(() => {
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

/** One company in New York with calls each quarter of an hour, a database and a home of its own. */
async function openOffice() {
  const test = await freshDatabase();
  const home = mkdtempSync(join(tmpdir(), 'daybook-ahead-'));
  homes.push(home);
  const { database } = test;
  const { id: tenantId } = await addTestTenant(database, { name: 'a', zone: 'America/New_York' });
  const seen = { extracted: [] as string[], threads: [] as string[] };
  const engine = startEngine({
    database,
    home,
    onDay: ({ day, workClass }, extracted) => {
      seen.threads.push(`${workClass} ${day.date}`);
      if (extracted) seen.extracted.push(day.date);
    },
  });
  const source = createPostgresSource(database);
  const asTenant = (statement: string, values: unknown[] = []) =>
    database.asTenant(tenantId, (tx) => tx.run(statement, values));
  await asTenant(
    `insert into daybook.calls
       (tenant_id, external_id, started_at, ended_at, disposition, queue, talk_seconds)
     select $1, 'c' || i, timestamptz '2026-03-01' + i * interval '15 min',
       timestamptz '2026-03-01' + i * interval '15 min 10 s', 'answered', 'q' || i % 3, i % 90
     from generate_series(0, 96 * 20) i`,
    [tenantId],
  );

  const ended = new Set<string>();
  const runs = async (): Promise<RunRow[]> => {
    const page = { limit: 200, cursor: null, workClass: 'precache' as const };
    return (await database.asTenant(tenantId, (tx) => listRuns(tx, page))).runs;
  };
  return {
    ...{ database, tenantId, home, engine, source, seen, asTenant, runs },
    /** As if it had been asked for at that instant. */
    async ask(raw: RawRequest, askedAt: string) {
      const { run, ...made } = await engine.export(tenantId, raw);
      await asTenant('update daybook.runs set created_at = $2 where id = $1', [run.id, askedAt]);
      return { run, ...made };
    },
    /** Saved at that instant, due at 08:00 each day. */
    async schedule(raw: Record<string, unknown>, savedAt: string): Promise<void> {
      const daily = { report: 'calls', period: 'yesterday', every: 'day', at: '08:00' };
      const recipients = [{ email: 'ana@example.com' }];
      const tenant = await database.asSystem((tx) => requireTenant(tx, tenantId));
      await database.asTenant(tenantId, (tx) =>
        addSchedule(
          tx,
          { ...daily, recipients, ...raw },
          { tenant, owner: 'operator:cli', now: at(savedAt) },
        ),
      );
    },
    async pass(now: string): Promise<Omit<AheadSummary, 'failures'>> {
      const demand = await studyDemand(database, at(now));
      const signal = AbortSignal.timeout(20_000);
      const { failures, ...summary } = await planAhead(at(now), {
        database,
        source,
        demand,
        signal,
      });
      expect(failures).toEqual([]);
      return summary;
    },
    /** Executes what was planned to its end; what looks by itself may have begun, or be done. */
    async execute(): Promise<RunRow[]> {
      const planned = (await runs()).filter(
        ({ id, state }) => !ended.has(id) && state !== 'failed',
      );
      for (const { id } of planned) ended.add(id);
      return Promise.all(planned.map(({ id }) => engine.finished(tenantId, id)));
    },
    days: (): Promise<DayAhead[]> =>
      database.asSystem((tx) => listDaysAhead(tx, { fromDate: '2026-01-01' })),
    async close() {
      await engine.stop();
      await test.drop();
    },
  };
}

type Office = Awaited<ReturnType<typeof openOffice>>;
let office: Office;
beforeEach(async () => {
  office = await openOffice();
  const { close } = office;
  onTestFinished(close);
});

/** Yesterday as a workbook, asked for in the morning of two days. */
async function askTwice(over: object = {}): Promise<void> {
  for (const [date, morning] of [
    ['2026-03-08', '2026-03-09T13:00Z'],
    ['2026-03-09', '2026-03-10T13:00Z'],
  ]) {
    await office.ask({ report: 'calls', from: date, to: date, format: 'xlsx', ...over }, morning);
  }
}

const TENTH = { report: 'calls', from: '2026-03-10', to: '2026-03-10', format: 'xlsx' };
/** After the tenth is over and two hours have passed in New York. */
const NIGHT = '2026-03-11T06:10Z';

const newYork = (id: string) => ({ id, calendar: calendarOf('America/New_York') });

describe('a day that is in demand', () => {
  it('is made once it is settled, and an export of it then needs no thread and no source', async () => {
    await askTwice();
    expect(await office.pass('2026-03-11T05:50Z')).toEqual({ looked: 1, planned: 1 });
    await office.execute();
    expect((await office.days()).map(({ date }) => date)).toEqual(['2026-03-09']);
    expect(await office.pass(NIGHT)).toEqual({ looked: 1, planned: 1 });
    const [run] = await office.execute();
    expect(run).toMatchObject({
      workClass: 'precache',
      state: 'done',
      errorMessage: null,
      daysTotal: 1,
      daysDone: 1,
      request: { period: { from: '2026-03-10', to: '2026-03-10' } },
    });
    expect(office.seen.extracted.filter((date) => date === '2026-03-10')).toHaveLength(1);

    office.seen.threads = [];
    const made = await office.engine.export(office.tenantId, TENTH);
    expect(office.seen.threads).toEqual([]);
    expect(made.run).toMatchObject({ daysTotal: 1, daysCached: 1 });
    const plain = await office.engine.export(office.tenantId, { ...TENTH, cache: false });
    expect(made.bytes.equals(plain.bytes)).toBe(true);
  });

  it('is planned once, however many passes come, at once or later', async () => {
    await askTwice();
    const passes = await Promise.all(Array.from({ length: 4 }, () => office.pass(NIGHT)));
    expect(passes.reduce((sum, { planned }) => sum + planned, 0)).toBe(1);
    expect(await office.pass(NIGHT)).toEqual({ looked: 0, planned: 0 });
    expect(await office.pass('2026-03-11T06:30Z')).toEqual({ looked: 1, planned: 0 });
    await office.execute();
    expect(await office.pass('2026-03-11T07:00Z')).toEqual({ looked: 1, planned: 0 });
    expect(await office.runs()).toHaveLength(1);
  });

  it('is made again when a late row came, and the next export has the row either way', async () => {
    await askTwice();
    await office.pass(NIGHT);
    await office.execute();
    await office.asTenant(`update daybook.calls set queue = 'late' where external_id = 'c900'`);
    expect(await office.pass('2026-03-11T06:15Z')).toEqual({ looked: 0, planned: 0 });
    const csv = { ...TENTH, format: 'csv', columns: ['queue'] };
    expect((await office.engine.export(office.tenantId, csv)).bytes.toString()).toContain('late');

    expect(await office.pass('2026-03-11T06:30Z')).toEqual({ looked: 1, planned: 1 });
    await office.execute();
    office.seen.threads = [];
    const { run, bytes } = await office.engine.export(office.tenantId, TENTH);
    expect([run.daysCached, office.seen.threads]).toEqual([1, []]);
    const plain = await office.engine.export(office.tenantId, { ...TENTH, cache: false });
    expect(bytes.equals(plain.bytes)).toBe(true);
  });

  it('is made as soon as a mark says that it is complete, and not before', async () => {
    await askTwice();
    const mark = (through: string) =>
      office.asTenant(
        `insert into daybook.dataset_marks (tenant_id, dataset, complete_through)
         values ($1, 'calls', $2) on conflict (tenant_id, dataset, source)
         do update set complete_through = excluded.complete_through`,
        [office.tenantId, through],
      );
    await mark('2026-03-10T04:00Z');
    await office.pass('2026-03-11T20:00Z');
    expect((await office.days()).map(({ date }) => date)).toEqual(['2026-03-09']);
    await mark('2026-03-11T04:00Z');
    await office.pass('2026-03-11T20:01Z');
    expect((await office.days()).map(({ date }) => date)).toEqual(['2026-03-10', '2026-03-09']);
  });

  it('has the totals of its report by every dimension of few values', async () => {
    await askTwice();
    await office.pass(NIGHT);
    await office.execute();
    await office.asTenant('delete from daybook.parts');
    office.seen.threads = [];
    const { database, source, home, tenantId, engine } = office;
    const summaries = createSummaryProducer({
      database,
      source,
      dispatcher: engine.dispatcher,
      home,
    });
    const request = parseReportRequest({ ...TENTH, format: 'csv' }, { locale: 'en' });
    for (const by of ['queue', 'hour', 'day,agent', 'disposition', 'trunk,day', 'direction']) {
      await summaries({ tenant: newYork(tenantId), request, by }, AbortSignal.timeout(20_000));
    }
    expect(office.seen.threads).toEqual([]);
  });

  it('is made after its run failed, an hour later', async () => {
    await askTwice();
    await office.pass(NIGHT);
    const [{ id }] = await office.runs();
    await office.asTenant(`update daybook.runs set state = 'failed' where id = $1`, [id]);
    expect(await office.pass('2026-03-11T06:40Z')).toMatchObject({ planned: 0 });
    expect(await office.pass('2026-03-11T07:20Z')).toMatchObject({ planned: 1 });
    expect((await office.execute()).map(({ state }) => state)).toEqual(['done']);
  });
});

describe('a tenant whose source does not answer', () => {
  it('keeps no other from being planned', async () => {
    const { database, tenantId, source } = office;
    await askTwice();
    const other = await addTestTenant(database, { name: 'b', zone: 'America/New_York' });
    const [study] = await studyDemand(database, at(NIGHT));
    const tenant = { ...study.tenant, id: other.id };
    const broken: typeof source = {
      ...source,
      versions: (request) =>
        request.tenantId === other.id
          ? Promise.reject(new Error('out of reach'))
          : source.versions(request),
    };
    const demand = [{ ...study, tenant }, study];
    const signal = AbortSignal.timeout(20_000);
    expect(await planAhead(at(NIGHT), { database, source: broken, demand, signal })).toMatchObject({
      planned: 1,
      failures: [{ tenantId: other.id }],
    });
    expect((await office.days()).map((day) => day.tenantId)).toEqual([tenantId]);
  });
});

describe('nothing is made', () => {
  it('for a tenant that asked once, without parts, for older days, or long ago', async () => {
    await office.ask(TENTH, '2026-03-11T13:00Z');
    await office.ask({ ...TENTH, format: 'csv', cache: false }, '2026-03-12T13:00Z');
    await office.ask({ ...TENTH, format: 'csv', cache: false }, '2026-03-13T13:00Z');
    const early = { report: 'calls', from: '2026-03-01', to: '2026-03-02', format: 'ndjson' };
    await office.ask(early, '2026-03-12T13:00Z');
    await office.ask(early, '2026-03-13T13:00Z');
    await office.ask(early, '2026-01-13T13:00Z');
    await office.ask(early, '2026-01-14T13:00Z');
    expect(await office.pass('2026-03-14T13:00Z')).toEqual({ looked: 0, planned: 0 });
  });

  it('of a day without rows, until rows come', async () => {
    await askTwice();
    await office.asTenant(
      `delete from daybook.calls where started_at >= '2026-03-10' and started_at < '2026-03-12'`,
    );
    expect(await office.pass(NIGHT)).toEqual({ looked: 1, planned: 0 });
    await office.asTenant(
      `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
       values ($1, 'x', '2026-03-10 12:00Z', '2026-03-10 12:01Z', 'busy')`,
      [office.tenantId],
    );
    expect(await office.pass('2026-03-11T06:30Z')).toEqual({ looked: 1, planned: 1 });
  });
});

describe('what summaries over HTTP ask for', () => {
  it('is counted, and their totals are made ahead, filtered ones and those by two dimensions too', async () => {
    const uses = startSummaryUses({ database: office.database, log: pino({ level: 'silent' }) });
    onTestFinished(() => uses.stop());
    const { database, source, home, tenantId, engine } = office;
    const asked = (date: string) => ({
      tenant: newYork(tenantId),
      request: parseReportRequest(
        { report: 'queues', from: '2026-03-01', to: date, where: ['disposition=answered'] },
        { locale: 'en' },
      ),
      by: 'queue,direction',
    });
    const mornings = { '2026-03-08': '2026-03-09T13:00Z', '2026-03-09': '2026-03-10T13:00Z' };
    for (const date of Object.keys(mornings)) {
      uses.note(asked(date));
      uses.note(asked(date));
    }
    await uses.flush();
    for (const [date, morning] of Object.entries(mornings)) {
      await office.asTenant(
        'update daybook.summary_uses set last_asked_at = $2 where period_to = $1',
        [date, morning],
      );
    }
    const [{ demand }] = await studyDemand(database, at(NIGHT));
    expect(demand).toMatchObject([
      { form: { kind: 'summary', by: ['queue', 'direction'] }, times: 4, freshDates: 2 },
    ]);
    expect(await office.pass(NIGHT)).toEqual({ looked: 1, planned: 1 });
    expect(await office.execute()).toMatchObject([{ state: 'done', report: 'queues' }]);
    office.seen.threads = [];
    const summaries = createSummaryProducer({
      database,
      source,
      dispatcher: engine.dispatcher,
      home,
    });
    const request = {
      ...asked('2026-03-10').request,
      period: { from: '2026-03-10', to: '2026-03-10' },
    };
    await summaries({ ...asked('2026-03-10'), request }, AbortSignal.timeout(20_000));
    expect(office.seen.threads).toEqual([]);
  });
});

describe('a schedule that never ran', () => {
  it('has its yesterday made before it is due', async () => {
    await office.schedule({ format: 'xlsx', where: ['queue=q1'] }, '2026-03-10T13:00Z');
    const [{ demand }] = await studyDemand(office.database, at(NIGHT));
    expect(demand).toMatchObject([{ form: { format: 'xlsx' }, scheduled: true, times: 0 }]);
    expect(await office.pass(NIGHT)).toMatchObject({ planned: 1 });
  });
});

describe('the forms of a day', () => {
  it('of what was scheduled bear references, however many rows there are', async () => {
    await askTwice();
    await office.asTenant(`update daybook.runs set work_class = 'scheduled'`);
    const [{ demand }] = await studyDemand(office.database, at(NIGHT));
    expect(demand).toMatchObject([{ form: { cellRefs: 'always' }, freshDates: 2 }]);
  });

  it.each([
    ['text of several days', { format: 'csv', from: '2026-03-01' }, { format: 'csv.gz' }],
    [
      'references that nobody wants',
      { from: '2026-03-05', cell_refs: 'never' },
      { cell_refs: 'never' },
    ],
    ['a filter', { format: 'zip', where: ['queue=q1'] }, { format: 'csv', where: ['queue=q1'] }],
    [
      'lines by day',
      { report: 'queues', grain: 'day', format: 'ndjson' },
      { report: 'queues', grain: 'day', format: 'ndjson' },
    ],
    ['lines of a period', { report: 'agents', format: 'xlsx' }, { report: 'agents' }],
    ['another zone', { zone: 'Asia/Tokyo', format: 'csv' }, { zone: 'Asia/Tokyo', format: 'csv' }],
  ])('%s are found by the next file', async (_, asked, next) => {
    await askTwice(asked);
    await office.pass(NIGHT);
    expect(await office.execute()).toMatchObject([{ state: 'done', errorMessage: null }]);
    office.seen.threads = [];
    await office.engine.export(office.tenantId, { ...TENTH, ...next });
    expect(office.seen.threads).toEqual([]);
  });
});
