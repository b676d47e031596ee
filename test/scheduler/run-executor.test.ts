import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createPartStore } from '../../src/cache/part-store.ts';
import { makeFilesFolder } from '../../src/cache/unfinished.ts';
import { DaybookError } from '../../src/errors.ts';
import { CHUNK_ROWS } from '../../src/reports/chunk.ts';
import type { DayTask } from '../../src/reports/day-task.ts';
import { parseReportRequest } from '../../src/reports/parse-request.ts';
import type { Dispatcher } from '../../src/reports/ports.ts';
import { produceDay } from '../../src/reports/produce-day.ts';
import { createSummaryProducer } from '../../src/scheduler/produce-summary.ts';
import { type ExecutorDeps, startRunExecutor } from '../../src/scheduler/run-executor.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import type { Database } from '../../src/store/database.ts';
import { findFileOfRun } from '../../src/store/files.ts';
import { claimRuns } from '../../src/store/run-leases.ts';
import { findRun, insertRun, isFinal, type RunRow, requestCancel } from '../../src/store/runs.ts';
import { calendarOf } from '../../src/time/calendar.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { sheetsOfSheetJs } from '../support/tables.ts';

let test: TestDatabase;
let tenantId: string;
let home: string;

beforeAll(async () => {
  test = await freshDatabase();
  home = mkdtempSync(join(tmpdir(), 'daybook-runs-'));
  makeFilesFolder(home);
  ({ id: tenantId } = await addTestTenant(test.database, { name: 'a', zone: 'Europe/London' }));
  await test.database.asTenant(tenantId, (tx) =>
    tx.run(
      `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition, queue)
       select $1, 'c' || i, timestamptz '2026-03-01' + i * interval '3 h',
         timestamptz '2026-03-01' + i * interval '3 h 1 min', 'answered', 'q' || i % 3
       from generate_series(0, 79) i`,
      [tenantId],
    ),
  );
});
afterAll(async () => {
  await test.drop();
  rmSync(home, { recursive: true, force: true });
});

/** Days are made here and now; `gate` may hold each one back, or fail it. */
function start(gate: () => Promise<void> = async () => {}, over: Partial<ExecutorDeps> = {}) {
  const source = createPostgresSource(test.database);
  const parts = createPartStore(home);
  const dispatcher: Dispatcher = {
    async dispatch(task, signal) {
      signal.throwIfAborted();
      await Promise.race([
        gate(),
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]);
      return { ...(await produceDay(task, { source, parts, signal })), elapsedMs: 0 };
    },
  };
  const hints = new EventTarget();
  const executor = startRunExecutor({
    database: test.database,
    source,
    parts,
    dispatcher,
    home,
    log: pino({ level: 'silent' }),
    waitsForSpace: true,
    holder: 'test',
    maxRuns: 4,
    announce: (hint) => hints.dispatchEvent(new Event(hint.runId)),
    ...over,
  });
  onTestFinished(() => executor.drain(0));
  return { executor, hints };
}

function queue(over: Record<string, unknown> = {}): Promise<RunRow> {
  const raw = { report: 'calls', from: '2026-03-01', to: '2026-03-10', format: 'csv', ...over };
  const request = parseReportRequest(raw, { locale: 'en' });
  const run = {
    tenantId,
    request,
    workClass: 'interactive' as const,
    requestedBy: 't',
    daysTotal: 0,
  };
  return test.database.asTenant(tenantId, (tx) => insertRun(tx, run));
}

const read = (run: RunRow) =>
  test.database.asTenant(tenantId, (tx) => findRun(tx, run.id)) as Promise<RunRow>;
const fileOf = (run: RunRow) => test.database.asTenant(tenantId, (tx) => findFileOfRun(tx, run.id));

async function ended(run: RunRow, hints: EventTarget): Promise<RunRow> {
  for (;;) {
    const hint = new Promise((resolve) => hints.addEventListener(run.id, resolve, { once: true }));
    const now = await read(run);
    if (isFinal(now.state)) return now;
    await hint;
  }
}

/** Waits at a gate until it is opened. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const pass = () => {
    arrive();
    return opened;
  };
  return { pass, open, arrived };
}

describe('the executor of runs', () => {
  it('makes a queued run into one file that stands whole, and leaves no scratch behind', async () => {
    const { executor, hints } = start();
    const run = await queue();
    executor.wake();
    const done = await ended(run, hints);
    expect(done).toMatchObject({ state: 'done', daysTotal: 10, daysDone: 10, rowsRead: 80 });
    const file = await fileOf(run);
    expect(file).toMatchObject({ rowCount: 80, revision: 1 });
    expect(existsSync(join(home, file?.path ?? ''))).toBe(true);
    await executor.drain(0);
    expect(readdirSync(home).sort()).toEqual(['files', 'parts']);
  });

  it('takes every day from its part the second time, and makes the same bytes', async () => {
    const { executor, hints } = start();
    const runs = [await queue({ format: 'zip' }), await queue({ format: 'zip' })];
    executor.wake();
    await ended(runs[0], hints);
    const third = await queue({ format: 'zip' });
    executor.wake();
    expect(await ended(third, hints)).toMatchObject({ daysCached: 10 });
    const files = await Promise.all([...runs, third].map(fileOf));
    const texts = files.map((file) => readFileSync(join(home, file?.path ?? ''), 'latin1'));
    expect(new Set(texts).size).toBe(1);
  });

  it('makes the lines of one grain from the totals that another grain left', async () => {
    const { executor, hints } = start();
    const rowsOf = async (over: Record<string, unknown>) => {
      const run = await queue(over);
      executor.wake();
      expect(await ended(run, hints)).toMatchObject({ state: 'done', errorMessage: null });
      return (await fileOf(run))?.rowCount;
    };
    for (const format of ['csv', 'xlsx']) {
      expect(await rowsOf({ report: 'queues', grain: 'period', format })).toBe(3);
      expect(await rowsOf({ report: 'queues', grain: 'day', format })).toBe(30);
      expect(await rowsOf({ report: 'queues', grain: 'period', format })).toBe(3);
    }
  });

  it('neither reads nor writes parts when the request says so', async () => {
    const { executor, hints } = start();
    const run = await queue({ cache: false });
    executor.wake();
    expect(await ended(run, hints)).toMatchObject({ state: 'done', daysCached: 0 });
  });

  it('stops a running run that was cancelled, and leaves no file', async () => {
    const held = gate();
    const { executor, hints } = start(held.pass);
    const run = await queue({ format: 'ndjson' });
    executor.wake();
    await held.arrived;
    await test.database.asTenant(tenantId, (tx) => requestCancel(tx, run.id));
    executor.wake();
    expect(await ended(run, hints)).toMatchObject({ state: 'cancelled' });
    expect(await fileOf(run)).toBeNull();
  });

  it('writes nothing once its lease went to another runner', async () => {
    const held = gate();
    const { executor, hints } = start(held.pass);
    const run = await queue({ columns: ['queue'] });
    executor.wake();
    await held.arrived;
    await test.database.asSystem((tx) =>
      tx.run('update daybook.runs set lease_token = lease_token + 1 where id = $1', [run.id]),
    );
    const announced = new Promise((resolve) =>
      hints.addEventListener(run.id, resolve, { once: true }),
    );
    held.open();
    await announced;
    expect(await read(run)).toMatchObject({ state: 'running' });
    expect(await fileOf(run)).toBeNull();
    await test.database.asSystem((tx) =>
      tx.run('delete from daybook.runs where id = $1', [run.id]),
    );
  });

  it('takes over a run whose holder fell silent', async () => {
    const run = await queue();
    await test.database.asSystem((tx) =>
      tx.run(
        `update daybook.runs set state = 'running', lease_owner = 'dead', lease_token = 7,
           lease_until = now() - interval '1 s', attempts = 1 where id = $1`,
        [run.id],
      ),
    );
    const { executor, hints } = start();
    executor.wake();
    expect(await ended(run, hints)).toMatchObject({ state: 'done', attempts: 2, leaseToken: '8' });
  });

  it('gives its runs back to the queue when it has to go', async () => {
    const held = gate();
    const { executor } = start(held.pass);
    const run = await queue({ format: 'xlsx', columns: ['external_id'] });
    executor.wake();
    await held.arrived;
    await executor.drain(0);
    expect(await read(run)).toMatchObject({ state: 'queued' });
    const next = start();
    next.executor.wake();
    expect(await ended(run, next.hints)).toMatchObject({ state: 'done', attempts: 2 });
  });

  it('tries a run again when the database was away, and fails it with the reason otherwise', async () => {
    let failures = 1;
    const away = start(async () => {
      if (failures-- > 0) throw new DaybookError('E_UNAVAILABLE', { what: 'x', reason: 'y' });
    });
    const first = await queue({ headers: 'keys' });
    away.executor.wake();
    expect(await ended(first, away.hints)).toMatchObject({ state: 'done', attempts: 2 });
    await away.executor.drain(0);
    const broken = start(async () => {
      throw new DaybookError('E_DAY_FAILED', { day: '2026-03-01', reason: 'z' });
    });
    const second = await queue({ locale: 'es' });
    broken.executor.wake();
    expect(await ended(second, broken.hints)).toMatchObject({
      state: 'failed',
      errorCode: 'E_DAY_FAILED',
      attempts: 1,
    });
  });

  it('gives up a run that took every runner with it', async () => {
    const run = await queue();
    await test.database.asSystem((tx) =>
      tx.run(
        `update daybook.runs set state = 'running', lease_until = now() - interval '1 s',
           attempts = 5 where id = $1`,
        [run.id],
      ),
    );
    const { executor, hints } = start();
    executor.wake();
    expect(await ended(run, hints)).toMatchObject({
      state: 'failed',
      errorCode: 'E_RESOURCE_EXHAUSTED',
    });
  });

  it('waits for a full disk without using up its attempts, and an hour later fails for it', async () => {
    let full = true;
    const { executor, hints } = start(async () => {
      if (full) throw new DaybookError('E_NO_SPACE', { where: 'DAYBOOK_HOME/parts' });
    });
    const again = (run: RunRow, since: string) =>
      test.database.asSystem((tx) =>
        tx.run(
          `update daybook.runs set not_before = null, setbacks = 9, attempts = 9,
             setback_at = now() - $2::interval where id = $1 and state = 'queued'`,
          [run.id, since],
        ),
      );
    const queued = async (run: RunRow) => {
      for (;;) {
        const hint = new Promise((resolve) =>
          hints.addEventListener(run.id, resolve, { once: true }),
        );
        const now = await read(run);
        if (now.state === 'queued' && now.errorCode) return now;
        await hint;
      }
    };
    const patient = await queue({ headers: 'keys', columns: ['caller'] });
    const hopeless = await queue({ headers: 'keys', columns: ['caller', 'callee'] });
    executor.wake();
    for (const run of [patient, hopeless]) {
      expect(await queued(run)).toMatchObject({ errorCode: 'E_NO_SPACE' });
      expect(await fileOf(run)).toBeNull();
    }
    await again(hopeless, '61 min');
    executor.wake();
    expect(await ended(hopeless, hints)).toMatchObject({
      state: 'failed',
      errorCode: 'E_NO_SPACE',
    });
    full = false;
    await again(patient, '59 min');
    executor.wake();
    expect(await ended(patient, hints)).toMatchObject({ state: 'done', errorCode: null });
  });

  it('gives back at once what it claimed while it was told to go', async () => {
    const claiming = gate();
    const days = gate();
    const database: Database = {
      ...test.database,
      asSystem: async (work, options) => {
        const result = await test.database.asSystem(work, options);
        if (Array.isArray(result) && result.length > 0) await claiming.pass();
        return result;
      },
    };
    const run = await queue({ format: 'csv', headers: 'keys', columns: ['callee'] });
    const { executor } = start(days.pass, { database });
    executor.wake();
    await claiming.arrived;
    const drained = executor.drain(0);
    // A timer that comes after that of the drain.
    await new Promise((resolve) => setTimeout(resolve, 1));
    claiming.open();
    await drained;
    expect(await read(run)).toMatchObject({ state: 'queued' });
    await test.database.asTenant(tenantId, (tx) => requestCancel(tx, run.id));
  });

  it('claims its one run again after it went back to the queue, and no other', async () => {
    const run = await queue({ headers: 'keys', columns: ['trunk'] });
    const other = await queue({ headers: 'keys', columns: ['trunk', 'agent'] });
    const options = { holder: 'test', limit: 1, leaseSeconds: 30, only: run.id };
    const claimed = await test.database.asSystem((tx) => claimRuns(tx, options));
    let failures = 1;
    const { hints } = start(
      async () => {
        if (failures-- > 0) throw new DaybookError('E_UNAVAILABLE', { what: 'x', reason: 'y' });
      },
      { maxRuns: 1, only: run.id, claimed },
    );
    expect(await ended(run, hints)).toMatchObject({ state: 'done', attempts: 2 });
    expect(await read(other)).toMatchObject({ state: 'queued', attempts: 0 });
    await test.database.asTenant(tenantId, (tx) => requestCancel(tx, other.id));
  });

  it('claims nothing until its own leases are renewed, so never a run that it holds', async () => {
    const held = gate();
    let down = false;
    const failing: { resolve: () => void } = { resolve: () => {} };
    const database: Database = {
      ...test.database,
      asSystem: (work, options) => {
        if (!down) return test.database.asSystem(work, options);
        failing.resolve();
        return Promise.reject(new DaybookError('E_UNAVAILABLE', { what: 'x', reason: 'y' }));
      },
    };
    const run = await queue({ headers: 'keys', columns: ['direction'] });
    const { executor, hints } = start(held.pass, { database });
    executor.wake();
    await held.arrived;
    const failed = new Promise<void>((resolve) => {
      failing.resolve = resolve;
    });
    down = true;
    executor.wake();
    // Looks come one after another, so that none from before can claim any more.
    await failed;
    await test.database.asSystem((tx) =>
      tx.run(`update daybook.runs set lease_until = now() - interval '1 s' where id = $1`, [
        run.id,
      ]),
    );
    down = false;
    // The next look comes by itself; what it does first is seen in the lease.
    for (;;) {
      const [{ fresh }] = await test.database.asSystem((tx) =>
        tx.query<{ fresh: boolean }>(
          'select lease_until > now() as fresh from daybook.runs where id = $1',
          [run.id],
        ),
      );
      if (fresh) break;
    }
    held.open();
    expect(await ended(run, hints)).toMatchObject({ state: 'done', attempts: 1 });
  });

  describe('a workbook with references, counted first and rendered then', () => {
    /** Days are made here and now, after `before` has seen the task. */
    const dispatcher = (before: (task: DayTask) => Promise<void>): Dispatcher => ({
      async dispatch(task, signal) {
        await before(task);
        const source = createPostgresSource(test.database);
        const parts = createPartStore(home);
        return { ...(await produceDay(task, { source, parts, signal })), elapsedMs: 0 };
      },
    });
    const change = (statement: string) =>
      test.database.asTenant(tenantId, (tx) => tx.run(statement));
    const request = { format: 'xlsx', from: '2026-03-03', to: '2026-03-04' };

    it('is rendered from the rows that were counted, not from those that were planned', async () => {
      const first = start();
      const earlier = await queue({ ...request, columns: ['external_id', 'caller'] });
      first.executor.wake();
      await ended(earlier, first.hints);
      await first.executor.drain(0);
      await change(`delete from daybook.part_totals where rows_key in
        (select key from daybook.parts where kind = 'rows' and local_date = '2026-03-03')`);
      await change(`delete from daybook.parts where kind = 'rows' and local_date = '2026-03-03'`);
      const rendered: string[] = [];
      const second = start(undefined, {
        dispatcher: dispatcher(async ({ fragment, day }) => {
          if (fragment) rendered.push(day.date);
          // After the day was planned, before it is read.
          else await change(`update daybook.calls set caller = '77' where external_id = 'c20'`);
        }),
      });
      const run = await queue({ ...request, columns: ['external_id', 'caller'] });
      second.executor.wake();
      expect(await ended(run, second.hints)).toMatchObject({ state: 'done' });
      expect(rendered).toEqual(['2026-03-03']);
    });

    it('is made anew when its rows were lost between the passes and have changed', async () => {
      let spoiled = false;
      const { executor, hints } = start(undefined, {
        dispatcher: dispatcher(async ({ fragment, rowsPart, day }) => {
          if (spoiled || !fragment || !rowsPart || day.date !== '2026-03-03') return;
          spoiled = true;
          rmSync(join(home, rowsPart.path));
          await change(`update daybook.calls set agent = 'x' where external_id = 'c20'`);
        }),
      });
      const run = await queue({ ...request, columns: ['external_id', 'agent'] });
      executor.wake();
      expect(await ended(run, hints)).toMatchObject({ state: 'done', errorMessage: null });
      expect(spoiled).toBe(true);
      const [{ sha256 }] = await test.database.asTenant(tenantId, (tx) =>
        tx.query<{ sha256: string }>(
          `select manifest ->> 'sha256' as sha256 from daybook.parts
           where kind = 'rows' and local_date = '2026-03-03' order by created_at desc limit 1`,
        ),
      );
      const control = (await fileOf(run))?.document.control.rows ?? [];
      expect(control[0]).toContain(sha256.slice(0, 12));
    });

    it('is rendered again where one day, expected in one piece, has more by the time it is read', async () => {
      const add = (first: number, last: number) =>
        change(
          `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
           select '${tenantId}', 'p' || i, at, at, 'answered'
           from generate_series(${first}, ${last}) i,
             cast('2026-03-20 09:00:00Z' as timestamptz) at`,
        );
      await add(1, 1);
      const rendered: unknown[] = [];
      const { executor, hints } = start(undefined, {
        dispatcher: dispatcher(async ({ fragment }) => {
          if (rendered.push(fragment?.firstRows) > 1) return;
          await add(2, 20_000);
        }),
      });
      const run = await queue({
        ...{ format: 'xlsx', from: '2026-03-20', to: '2026-03-20', headers: 'keys' },
        columns: ['external_id'],
      });
      executor.wake();
      expect(await ended(run, hints)).toMatchObject({ state: 'done', errorMessage: null });
      expect(rendered).toEqual([[2], [2, 2 + CHUNK_ROWS]]);
      const { path } = (await fileOf(run)) ?? {};
      const { Detail } = sheetsOfSheetJs(join(home, path as string));
      const sent = Array.from({ length: 20_000 }, (_, i) => `p${i + 1}`);
      expect(Detail.flat().sort()).toEqual(['external_id', ...sent].sort());
    });
  });

  it('makes a file of every format for a date that does not exist, with an empty window', async () => {
    const { executor, hints } = start();
    const at = Date.UTC(2011, 11, 30, 10);
    for (const format of ['csv', 'csv.gz', 'zip', 'ndjson', 'xlsx']) {
      for (const report of ['calls', 'queues']) {
        const absent = { zone: 'Pacific/Apia', from: '2011-12-30', to: '2011-12-30' };
        const run = await queue({ report, format, ...absent });
        executor.wake();
        expect(await ended(run, hints)).toMatchObject({ state: 'done', daysTotal: 0 });
        expect((await fileOf(run))?.document).toMatchObject({
          rows: 0,
          window: { start: at, end: at },
          irregularDays: [{ date: '2011-12-30', hours: 0 }],
        });
      }
    }
    const summary = await createSummaryProducer({
      database: test.database,
      source: createPostgresSource(test.database),
      dispatcher: { dispatch: () => Promise.reject(new Error('there is no day')) },
      home,
    })(
      {
        tenant: { id: tenantId, calendar: calendarOf('Europe/London') },
        request: parseReportRequest(
          { report: 'calls', from: '2011-12-30', to: '2011-12-30', zone: 'Pacific/Apia' },
          { locale: 'en' },
        ),
        by: 'day',
      },
      AbortSignal.timeout(10_000),
    );
    expect(summary).toMatchObject({ rows: 0, window: { start: at, end: at } });
  });

  it('says as of when its data are also where all rows of a day were deleted', async () => {
    const day = { from: '2026-05-01', to: '2026-05-01' };
    await test.database.asTenant(tenantId, async (tx) => {
      await tx.run(
        `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
         select $1, 'gone', timestamptz '2026-05-01 12:00Z', timestamptz '2026-05-01 12:01Z', 'busy'`,
        [tenantId],
      );
      await tx.run(`delete from daybook.calls where external_id = 'gone'`);
    });
    const { executor, hints } = start();
    const run = await queue(day);
    executor.wake();
    expect(await ended(run, hints)).toMatchObject({ state: 'done' });
    expect(await fileOf(run)).toMatchObject({ rowCount: 0, dataAsOf: expect.any(Number) });
  });

  it('makes grouped lines of more than one piece, by day and by period alike', async () => {
    await test.database.asTenant(tenantId, (tx) =>
      tx.run(
        `insert into daybook.calls
           (tenant_id, external_id, started_at, ended_at, disposition, direction, queue)
         select $1, 'many' || i, timestamptz '2026-06-01 12:00Z', timestamptz '2026-06-01 12:01Z',
           'answered', 'inbound', 'queue' || i from generate_series(1, 65600) i`,
        [tenantId],
      ),
    );
    const { executor, hints } = start();
    for (const grain of ['day', 'period']) {
      const over = {
        report: 'queues',
        grain,
        format: 'xlsx',
        from: '2026-06-01',
        to: '2026-06-01',
      };
      const run = await queue(over);
      executor.wake();
      expect(await ended(run, hints)).toMatchObject({ state: 'done', errorMessage: null });
      expect(await fileOf(run)).toMatchObject({ rowCount: 65_600 });
    }
  });
});
