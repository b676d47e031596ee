import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPartStore } from '../../src/cache/part-store.ts';
import type { ChangesSince } from '../../src/reports/changes.ts';
import type { ReportDocument } from '../../src/reports/document.ts';
import { changesWorkbook } from '../../src/reports/render/changes-file.ts';
import { createChangesProducer } from '../../src/scheduler/restate/changes-since.ts';
import { findChanged } from '../../src/scheduler/restate/find-changed.ts';
import { processStage } from '../../src/scheduler/stages/process.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { USUAL_LIMITS } from '../../src/store/mirror-guard.ts';
import { amendFile } from '../../src/store/restatements.ts';
import { runScheduleNow } from '../../src/store/save-schedule.ts';
import { requireTenant } from '../../src/store/tenants.ts';
import { load } from '../ingest/support/load.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freshHome } from '../support/embedded.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { sheetsOfSheetJs } from '../support/tables.ts';
import { scheduleAt, tenantIn, utc } from './stages/support.ts';

/** Late rows: noticed, and amended when the owner wants that. */

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

const NOW = '2026-03-03T08:00Z';
const signal = () => AbortSignal.timeout(30_000);
const system = <R>(text: string, values: unknown[] = []) =>
  test.database.asSystem((tx) => tx.query(text, values)) as Promise<R[]>;
const look = (at = Date.now()) =>
  findChanged(
    at,
    { ...test, source: createPostgresSource(test.database), holder: 'test' },
    signal(),
  );
async function makeAll(): Promise<void> {
  await processStage(utc(NOW), test, signal());
  const open = await system<{ id: string; tenant_id: string }>(
    `select id, tenant_id from daybook.runs where state in ('queued', 'running')`,
  );
  for (const { id, tenant_id } of open) await engine.finished(tenant_id, id);
  await processStage(utc(NOW), test, signal());
}

it('rows that come late are noticed, told once, and amended with a sheet of what changed', async () => {
  const tenant = await tenantIn(test, 'UTC', 'late');
  await system(
    `insert into daybook.members (tenant_id, user_id, email, roles)
     values ($1, gen_random_uuid(), 'boss@example.com', '{owner}') returning 1`,
    [tenant.id],
  );
  const rows = (lines: string[]) =>
    load(
      test.database,
      tenant,
      `external_id,started_at,ended_at,queue,disposition,talk_seconds\n${lines.join('\n')}\n`,
      { completeThrough: utc('2026-03-03T00:00Z') },
    );
  const call = (id: string, talk: number, queue = 'a') =>
    `${id},2026-03-02T10:00:00Z,2026-03-02T10:05:00Z,${queue},answered,${talk}`;
  await rows([call('stays', 10), call('grows', 20), call('goes', 30), call('elsewhere', 1, 'b')]);
  const schedule = await scheduleAt(test, tenant, '2026-03-02T12:00Z', {
    format: 'xlsx',
    where: ['queue=a'],
  });
  const found = await test.database.asSystem((tx) => requireTenant(tx, tenant.id));
  await test.database.asTenant(tenant.id, (tx) =>
    runScheduleNow(tx, schedule.id, { tenant: found, owner: 'operator:cli', now: utc(NOW) }),
  );
  await makeAll();
  const [first] = await system<{ id: string }>('select id from daybook.report_files');
  expect(await look()).toBe(0);
  const amend = () => test.database.asTenant(tenant.id, (tx) => amendFile(tx, first.id, 'test'));
  await expect(amend()).rejects.toMatchObject({ code: 'E_CONFLICT' });

  await rows([call('grows', 25), call('new', 5)]);
  await test.database.asTenant(tenant.id, (tx) =>
    tx.run(`delete from daybook.calls where external_id = 'goes'`),
  );
  expect(await look()).toBe(1);
  expect(await look()).toBe(0);
  const notices = await system(
    `select recipient, topic, detail ->> 'file' as file, detail -> 'days' as days
     from daybook.deliveries where purpose = 'notice'`,
  );
  const days = ['2026-03-02'];
  expect(notices).toEqual([
    { recipient: 'boss@example.com', topic: 'changed', file: first.id, days },
  ]);

  // Looked at without making anything.
  const since = createChangesProducer({
    ...{ database: test.database, source: createPostgresSource(test.database), home },
    ...{ dispatcher: engine.dispatcher, parts: createPartStore(home) },
  });
  const of = { tenantId: tenant.id, fileId: first.id };
  const told = await since({ ...of, mostListed: 3 }, signal());
  expect(told?.changes).toMatchObject({ revision: 1, days, unlisted: 1 });
  expect(told?.changes.counts).toEqual({ added: 1, changed: 1, removed: 1 });
  const talk = told?.changes.totals.rows.find(([figure]) => figure === 'Talk (s)');
  expect(talk).toEqual(['Talk (s)', 60, 40, '-20']);
  const whole = await since({ ...of, mostListed: 2_000 }, signal());
  const alone = `${home}/changes.xlsx`;
  writeFileSync(alone, await changesWorkbook(whole as ChangesSince));
  const other = await tenantIn(test, 'UTC', 'other');
  expect(await since({ ...of, tenantId: other.id, mostListed: 3 }, signal())).toBeNull();
  expect(await system('select from daybook.runs where amends is not null')).toEqual([]);

  await amend();
  await expect(amend()).rejects.toMatchObject({ code: 'E_CONFLICT' });
  await makeAll();
  await makeAll();
  const files = await system<{
    revision: number;
    amendment_of: string | null;
    name: string;
    path: string;
    document: ReportDocument;
  }>(
    `select r.revision, r.amendment_of, r.name, f.path, f.document from daybook.report_files r
     join daybook.files f on f.id = r.file_id order by r.revision`,
  );
  expect(files.map(({ revision, amendment_of, name }) => [revision, amendment_of, name])).toEqual([
    [1, null, 'late_calls_2026-03-02.xlsx'],
    [2, first.id, 'late_calls_2026-03-02_r2.xlsx'],
  ]);
  const owed = await system(
    `select recipient, purpose from daybook.deliveries where purpose <> 'notice' order by created_at`,
  );
  expect(owed).toEqual([
    { recipient: 'ana@example.com', purpose: 'report' },
    { recipient: 'ana@example.com', purpose: 'amendment' },
  ]);
  expect(files[1].document.changes).toMatchObject({
    counts: { added: 1, changed: 1, removed: 1 },
    days,
    unlisted: 0,
  });
  const sheets = sheetsOfSheetJs(`${home}/${files[1].path}`);
  // As it was told before it was made.
  expect(sheetsOfSheetJs(alone).Changes).toEqual(sheets.Changes);
  const changes = sheets.Changes.map((row) => row.map((cell) => cell ?? ''));
  const lines = changes.map((row) => [row[0], row[1], row.at(-1)]);
  expect(lines).toContainEqual(['added', 'new', 5]);
  expect(lines).toContainEqual(['changed, was', 'grows', 20]);
  expect(lines).toContainEqual(['changed, is', 'grows', 25]);
  expect(lines).toContainEqual(['removed', 'goes', 30]);
  expect(changes.some((row) => row.includes('elsewhere') || row.includes('stays'))).toBe(false);
  // Before, now, difference.
  expect(changes.map((row) => row.slice(0, 4))).toContainEqual(['Talk (s)', 60, 40, -20]);
  expect(sheetsOfSheetJs(`${home}/${files[0].path}`)).not.toHaveProperty('Changes');
});

it('a day of which a mirror left no row is noticed as well', async () => {
  const tenant = await tenantIn(test, 'UTC', 'mirrored');
  const header = 'external_id,started_at,ended_at,disposition\n';
  const file = `${header}c,2026-03-02T10:00:00Z,2026-03-02T10:05:00Z,busy\n`;
  await load(test.database, tenant, file, { completeThrough: utc('2026-03-03T00:00Z') });
  const schedule = await scheduleAt(test, tenant, '2026-03-02T12:00Z', { format: 'csv' });
  const found = await test.database.asSystem((tx) => requireTenant(tx, tenant.id));
  await test.database.asTenant(tenant.id, (tx) =>
    runScheduleNow(tx, schedule.id, { tenant: found, owner: 'operator:cli', now: utc(NOW) }),
  );
  await makeAll();
  await look();
  const mirror = {
    scope: { window: null, prefix: null },
    limits: USUAL_LIMITS,
    leave: { deletes: 'all', rejects: null },
    stated: 0,
  } as const;
  expect(await load(test.database, tenant, header, { mirror })).toMatchObject({ removed: 1 });
  expect(await look()).toBe(1);
  const [{ days }] = await system<{ days: string[] }>(
    'select changed_days as days from daybook.report_files where tenant_id = $1',
    [tenant.id],
  );
  expect(days).toEqual(['2026-03-02']);
});
