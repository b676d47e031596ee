import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ReportDocument } from '../../../src/reports/document.ts';
import type { ReportRequest } from '../../../src/reports/request.ts';
import { expireFiles } from '../../../src/scheduler/clean-files.ts';
import { deleteExpiredRows } from '../../../src/scheduler/clean-rows.ts';
import { planStage } from '../../../src/scheduler/stages/plan.ts';
import { processStage } from '../../../src/scheduler/stages/process.ts';
import { evictParts } from '../../../src/store/part-eviction.ts';
import { editSchedule } from '../../../src/store/save-schedule.ts';
import { requireTenant } from '../../../src/store/tenants.ts';
import { load } from '../../ingest/support/load.ts';
import { freshDatabase, type TestDatabase, type TestTenant } from '../../support/database.ts';
import { freshHome } from '../../support/embedded.ts';
import { startEngine, type TestEngine } from '../../support/engine.ts';
import { linesOfExcelJs } from '../../support/tables.ts';
import { occurrencesOf, scheduleAt, tenantIn, utc } from './support.ts';

let test: TestDatabase;
let home: string;
let engine: TestEngine;
beforeAll(async () => {
  test = await freshDatabase();
  home = freshHome();
  engine = startEngine({ database: test.database, home });
});
afterAll(async () => {
  await engine.stop();
  await test.drop();
});

// Each test has the clock of its own story.
afterEach(() => system(`update daybook.schedules set state = 'paused' returning 1`));

const signal = () => AbortSignal.timeout(30_000);
const system = <R>(text: string, values: unknown[] = []) =>
  test.database.asSystem((tx) => tx.query(text, values)) as Promise<R[]>;

/** Calls of 2026-03-01 and 02, in two queues. */
async function loadCalls(
  tenant: TestTenant,
  completeThrough: string | null,
  more = '',
): Promise<void> {
  const head = 'external_id,started_at,ended_at,queue,disposition,talk_seconds';
  const rows = [1, 2, 3, 4, 5, 6].map((n) => {
    const at = `2026-03-0${1 + (n % 2)}T1${n}:00`;
    return `${n},${at}:00Z,${at}:30Z,${n % 3 === 0 ? 'sales' : 'support'},answered,${n}`;
  });
  await load(test.database, tenant, `${[head, ...rows].join('\n')}\n${more}`, {
    ...(completeThrough === null ? {} : { completeThrough: utc(completeThrough) }),
  });
}

const plan = (at: string) => planStage(utc(at), test, signal());
const process = (at: string) => processStage(utc(at), test, signal());
/** Executes what is queued, to its end. */
async function execute(): Promise<void> {
  const open = await system<{ id: string; tenantId: string }>(
    `select id, tenant_id as "tenantId" from daybook.runs where state in ('queued', 'running')`,
  );
  await Promise.all(open.map(({ id, tenantId }) => engine.finished(tenantId, id)));
}
interface SealedFile {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly bytes: string;
  readonly row_count: string;
  readonly revision: number;
  readonly recipients: readonly { readonly recipient: string }[];
  readonly request: ReportRequest;
  readonly incomplete_days: readonly string[];
  readonly document: ReportDocument;
}
interface Owed {
  readonly recipient: string;
  readonly purpose: string;
  readonly topic: string;
  readonly state: string;
  readonly digest_id: string | null;
  readonly not_before: Date | number;
}
const filesOf = (schedule: string) =>
  system<SealedFile>(
    `select r.*, f.path, f.document from daybook.report_files r
     join daybook.files f on f.id = r.file_id
     join daybook.occurrences o on o.id = r.occurrence_id
     where o.schedule_id = $1 order by r.revision, r.sealed_at, r.name`,
    [schedule],
  );
const deliveriesOf = (schedule: string) =>
  system<Owed>(
    `select d.* from daybook.deliveries d join daybook.occurrences o on o.id = d.occurrence_id
     where o.schedule_id = $1 order by d.recipient, d.created_at`,
    [schedule],
  );
async function statesOf(schedule: string): Promise<string[]> {
  return (await occurrencesOf(test, schedule)).map(({ state }) => state);
}

describe('what is due and complete', () => {
  it('is made once for each set of filters, sealed byte for byte, and owed to each recipient', async () => {
    const tenant = await tenantIn(test, 'UTC', 'made');
    await loadCalls(tenant, '2026-03-03T00:00Z');
    const { id } = await scheduleAt(test, tenant, '2026-03-02T12:00Z', {
      format: 'xlsx',
      where: ['talk_seconds>=2'],
      recipients: [
        { email: 'all@example.com' },
        { email: 'also@example.com' },
        { email: 'sales@example.com', where: [{ field: 'queue', op: '=', values: ['sales'] }] },
      ],
    });
    await plan('2026-03-03T08:00Z');
    expect(await process('2026-03-03T08:00Z')).toMatchObject({ queued: 2, held: 0, failed: 0 });
    expect(await process('2026-03-03T08:01Z')).toMatchObject({ queued: 0, sealed: 0 });
    await execute();
    expect(await process('2026-03-03T08:02Z')).toMatchObject({ sealed: 2 });
    expect(await process('2026-03-03T08:03Z')).toMatchObject({ sealed: 0 });
    expect(await statesOf(id)).toEqual(['sealed']);
    const files = await filesOf(id);
    const byRecipients = Object.fromEntries(
      files.map((file) => [file.recipients.map((r) => r.recipient).join(), file]),
    );
    const both = byRecipients['all@example.com,also@example.com'];
    const sales = byRecipients['sales@example.com'];
    expect([both.row_count, sales.row_count, both.revision]).toEqual(['2', '1', 1]);
    const bytes = await readFile(`${home}/${both.path}`);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(both.sha256);
    expect(bytes.length).toBe(Number(both.bytes));
    expect(both.name).toBe('made_calls_2026-03-02.xlsx');
    // ExcelJS finds no row without cell references.
    expect(await linesOfExcelJs(`${home}/${both.path}`, {})).toHaveLength(2);
    const owed = await deliveriesOf(id);
    expect(owed.map((each) => [each.recipient, each.purpose, each.state])).toEqual([
      ['all@example.com', 'report', 'pending'],
      ['also@example.com', 'report', 'pending'],
      ['sales@example.com', 'report', 'pending'],
    ]);
    // Its rows parts stay while it is retained.
    const [{ sealed }] = await system<{ sealed: number }>(
      `select count(*)::int as sealed from daybook.sealed_parts where tenant_id = $1`,
      [tenant.id],
    );
    expect(sealed).toBe(1);
    // Nothing is owed any more.
    await system(`update daybook.deliveries set state = 'sent' where tenant_id = $1 returning 1`, [
      tenant.id,
    ]);
    await process('2026-03-03T08:04Z');
    expect(await statesOf(id)).toEqual(['sent']);
  });

  it('keeps what it was planned with when it is edited meanwhile', async () => {
    const tenant = await tenantIn(test, 'UTC', 'edited');
    await loadCalls(tenant, '2026-03-03T00:00Z');
    const { id } = await scheduleAt(test, tenant, '2026-03-02T12:00Z');
    await plan('2026-03-03T08:00Z');
    const found = await test.database.asSystem((tx) => requireTenant(tx, tenant.id));
    await test.database.asTenant(tenant.id, (tx) =>
      editSchedule(
        tx,
        id,
        { recipients: [{ email: 'new@example.com' }], report: 'queues' },
        { tenant: found, owner: 'operator:cli', now: utc('2026-03-03T08:00:30Z') },
      ),
    );
    await process('2026-03-03T08:01Z');
    await execute();
    await process('2026-03-03T08:02Z');
    const owed = await deliveriesOf(id);
    expect(owed.map((each) => each.recipient)).toEqual(['ana@example.com']);
    expect((await filesOf(id)).map((file) => file.request.report)).toEqual(['calls']);
  });

  it('without rows is skipped where that is wished', async () => {
    const tenant = await tenantIn(test, 'UTC', 'empty');
    const skip = await scheduleAt(test, tenant, '2026-03-02T12:00Z', {
      empty: 'skip',
      name: 'skip',
    });
    const send = await scheduleAt(test, tenant, '2026-03-02T12:00Z', { name: 'send' });
    await plan('2026-03-03T08:00Z');
    await process('2026-03-03T08:00Z');
    await execute();
    await process('2026-03-03T08:01Z');
    expect(await statesOf(skip.id)).toEqual(['skipped']);
    expect(await statesOf(send.id)).toEqual(['sealed']);
  });
});

describe('what is not complete', () => {
  it('is held with the reason, its owner is told, and it goes on by itself', async () => {
    const tenant = await tenantIn(test, 'UTC', 'held');
    await system(
      `insert into daybook.members (tenant_id, user_id, email, roles)
       values ($1, gen_random_uuid(), 'boss@example.com', '{owner}') returning 1`,
      [tenant.id],
    );
    await loadCalls(tenant, '2026-03-02T22:00Z');
    const { id } = await scheduleAt(test, tenant, '2026-03-02T12:00Z');
    await plan('2026-03-03T08:00Z');
    expect(await process('2026-03-03T08:00Z')).toMatchObject({ queued: 0, held: 1 });
    await process('2026-03-03T08:01Z');
    const [held] = await occurrencesOf(test, id);
    expect(held.state).toBe('held');
    expect(held.reason).toBe(
      'calls are complete through 2026-03-02 22:00 (UTC) only, and 2026-03-02 ends at 2026-03-03 00:00 (UTC)',
    );
    expect((await deliveriesOf(id)).map((each) => [each.recipient, each.topic])).toEqual([
      ['boss@example.com', 'held'],
    ]);
    await loadCalls(tenant, '2026-03-03T00:00Z');
    expect(await process('2026-03-03T08:02Z')).toMatchObject({ queued: 1 });
    await execute();
    await process('2026-03-03T08:03Z');
    expect(await statesOf(id)).toEqual(['sealed']);
  });

  it('waits quietly for the grace of a day that nobody marks', async () => {
    const tenant = await tenantIn(test, 'UTC', 'grace');
    await loadCalls(tenant, null);
    const { id } = await scheduleAt(test, tenant, '2026-03-02T12:00Z', { at: '00:30' });
    await plan('2026-03-03T00:30Z');
    await process('2026-03-03T00:30Z');
    expect((await occurrencesOf(test, id))[0].reason).toContain('2026-03-03 02:00 (UTC)');
    expect(await deliveriesOf(id)).toEqual([]);
    expect(await process('2026-03-03T02:00Z')).toMatchObject({ queued: 1 });
    await execute();
  });

  it('at its deadline is sent marked where that is wished, else its owner is told again', async () => {
    const tenant = await tenantIn(test, 'UTC', 'deadline');
    await system(
      `insert into daybook.members (tenant_id, user_id, email, roles)
       values ($1, gen_random_uuid(), 'boss@example.com', '{admin}') returning 1`,
      [tenant.id],
    );
    await loadCalls(tenant, '2026-03-02T22:00Z');
    const made = await scheduleAt(test, tenant, '2026-03-02T12:00Z', {
      name: 'marked',
      if_incomplete: 'send_marked',
      hold_hours: 2,
      format: 'zip',
    });
    const only = await scheduleAt(test, tenant, '2026-03-02T12:00Z', {
      name: 'only',
      hold_hours: 2,
    });
    await plan('2026-03-03T08:00Z');
    expect(await process('2026-03-03T08:00Z')).toMatchObject({ held: 2 });
    expect(await process('2026-03-03T09:59Z')).toMatchObject({ queued: 0 });
    expect(await process('2026-03-03T10:01Z')).toMatchObject({ queued: 1, held: 1 });
    await execute();
    await process('2026-03-03T10:02Z');
    expect(await statesOf(made.id)).toEqual(['sealed']);
    const [file] = await filesOf(made.id);
    expect(file.incomplete_days).toEqual(['2026-03-02']);
    expect(file.document.incompleteDays).toEqual(['2026-03-02']);
    expect(await statesOf(only.id)).toEqual(['held']);
    const topics = (await deliveriesOf(only.id)).map((each) => each.topic);
    expect(topics).toEqual(['held', 'overdue']);
    // It is not waited for without end.
    await process('2026-03-11T10:02Z');
    expect(await statesOf(only.id)).toEqual(['failed']);
  });
});

describe('an owner', () => {
  it('who has lost the right makes nothing more', async () => {
    const tenant = await tenantIn(test, 'UTC', 'left');
    await loadCalls(tenant, '2026-03-03T00:00Z');
    const { id } = await scheduleAt(test, tenant, '2026-03-02T12:00Z');
    await system(`update daybook.schedules set owner = $2 where id = $1 returning 1`, [
      id,
      'member:11111111-1111-4111-8111-111111111111',
    ]);
    await plan('2026-03-03T08:00Z');
    expect(await process('2026-03-03T08:00Z')).toMatchObject({ queued: 0, failed: 1 });
    expect((await occurrencesOf(test, id))[0].reason).toContain('may not run schedules here');
  });
});

describe('late occurrences of one schedule', () => {
  it('are owed as one digest, which waits until all of them are there', async () => {
    const tenant = await tenantIn(test, 'UTC', 'digest');
    await loadCalls(tenant, '2026-03-10T00:00Z');
    const { id } = await scheduleAt(test, tenant, '2026-03-02T12:00Z');
    await plan('2026-03-05T12:00Z');
    expect(await process('2026-03-05T12:00Z')).toMatchObject({ queued: 3 });
    await execute();
    await process('2026-03-05T12:01Z');
    const owed = await deliveriesOf(id);
    expect(owed.map(({ purpose }) => purpose)).toEqual(['digest', 'digest', 'digest']);
    expect(new Set(owed.map(({ digest_id }) => digest_id)).size).toBe(1);
    expect(owed.every(({ not_before }) => Number.isFinite(new Date(not_before).getTime()))).toBe(
      true,
    );
  });
});

describe('a file made again', () => {
  it('is the same revision of the same rows, and the next one when a day changed', async () => {
    const tenant = await tenantIn(test, 'UTC', 'again');
    await loadCalls(tenant, '2026-03-04T00:00Z');
    const { id } = await scheduleAt(test, tenant, '2026-03-03T00:00Z', {
      every: undefined,
      at: undefined,
      cron: '0 8,9,10 3 3 *',
    });
    const round = async (hour: string) => {
      await plan(`2026-03-03T${hour}:00Z`);
      await process(`2026-03-03T${hour}:00Z`);
      await execute();
      await process(`2026-03-03T${hour}:01Z`);
    };
    await round('08');
    await round('09');
    await loadCalls(
      tenant,
      '2026-03-04T00:00Z',
      '7,2026-03-02T20:00:00Z,2026-03-02T20:01:00Z,sales,answered,9\n',
    );
    await round('10');
    const files = await filesOf(id);
    expect(files.map(({ revision, row_count, name }) => [revision, row_count, name])).toEqual([
      [1, '3', 'again_calls_2026-03-02.csv'],
      [1, '3', 'again_calls_2026-03-02.csv'],
      [2, '4', 'again_calls_2026-03-02_r2.csv'],
    ]);
    expect(files[0].sha256).toBe(files[1].sha256);
  });
});

describe('a sealed file past its retention', () => {
  it('stays while somebody is owed it; then its bytes go and its row says so', async () => {
    const tenant = await tenantIn(test, 'UTC', 'retained');
    await loadCalls(tenant, '2026-03-03T00:00Z');
    const { id } = await scheduleAt(test, tenant, '2026-03-02T12:00Z');
    await plan('2026-03-03T08:00Z');
    await process('2026-03-03T08:00Z');
    await execute();
    await process('2026-03-03T08:01Z');
    const [{ path }] = await filesOf(id);
    const later = Date.now() + 91 * 86_400_000;
    const expire = () =>
      expireFiles(later, { ...test, home, log: pino({ level: 'silent' }) }, signal());
    const look = () =>
      system<{ removed: boolean }>(
        `select r.removed_at is not null as removed from daybook.report_files r
         join daybook.occurrences o on o.id = r.occurrence_id where o.schedule_id = $1`,
        [id],
      );
    await expire();
    expect(existsSync(`${home}/${path}`)).toBe(true);
    expect(await look()).toEqual([{ removed: false }]);
    await system(`update daybook.deliveries set state = 'sent' where tenant_id = $1 returning 1`, [
      tenant.id,
    ]);
    await expire();
    expect(existsSync(`${home}/${path}`)).toBe(false);
    expect(await look()).toEqual([{ removed: true }]);
  });

  it('lets go of the rows that it was made of, which were pinned until then', async () => {
    const keptOf = () =>
      system<{ kept: number }>(
        `select count(*)::int as kept from daybook.parts p join daybook.sealed_parts s using (tenant_id, key)`,
      );
    const [{ kept }] = await keptOf();
    expect(kept).toBeGreaterThan(3);
    await test.database.asSystem((tx) => evictParts(tx, 2 ** 40, 1_000));
    expect(await keptOf()).toEqual([{ kept }]);
    await deleteExpiredRows(Date.now() + 91 * 86_400_000, test.database, signal());
    expect(await keptOf()).toEqual([{ kept: 0 }]);
    const gone = await test.database.asSystem((tx) => evictParts(tx, 2 ** 40, 1_000));
    expect(gone.length).toBeGreaterThanOrEqual(kept);
  });
});
