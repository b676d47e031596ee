import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReportRequest, type RawRequest } from '../../src/reports/parse-request.ts';
import { planAhead } from '../../src/scheduler/ahead/plan-ahead.ts';
import { studyDemand } from '../../src/scheduler/ahead/study-demand.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { databaseNow } from '../../src/store/dataset-marks.ts';
import { insertRun } from '../../src/store/runs.ts';
import { addDays } from '../../src/time/day-number.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import { daybook, daybookDone } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';

/** The built `daybook demand`, over runs that ended some days ago. */

let test: TestDatabase;
let environment: Record<string, string>;
let today: string;

beforeAll(async () => {
  test = await freshDatabase();
  environment = { DATABASE_URL: test.url, DAYBOOK_HOME: freshHome() };
  const now = await test.database.asSystem(databaseNow);
  today = new Date(now).toISOString().slice(0, 10);
});
afterAll(() => test.drop());

/** As if it had been asked for at noon, so many days ago. */
async function asked(tenantId: string, daysAgo: number, raw: RawRequest): Promise<void> {
  const request = parseReportRequest(raw, { locale: 'en' });
  await test.database.asTenant(tenantId, async (tx) => {
    const workClass = 'interactive';
    const { id } = await insertRun(tx, {
      tenantId,
      request,
      workClass,
      requestedBy: 'x',
      daysTotal: 1,
    });
    await tx.run('update daybook.runs set created_at = $2, state = $3 where id = $1', [
      id,
      `${addDays(today, -daysAgo)}T12:00Z`,
      'done',
    ]);
  });
}

describe('daybook demand', () => {
  it('says that nobody asked, where nobody did', async () => {
    expect(await daybookDone(environment, 'demand')).toContain('Nobody asked');
    expect(JSON.parse(await daybookDone(environment, 'demand', '--json'))).toMatchObject({
      studied_days: 28,
      tenants: [],
    });
  });

  it('shows what each tenant asks for, what is made ahead of it, and why the rest is not', async () => {
    const acme = await addTestTenant(test.database, { name: 'acme', zone: 'UTC' });
    const bolt = await addTestTenant(test.database, { name: 'bolt', zone: 'UTC' });
    await test.database.asTenant(acme.id, (tx) =>
      tx.run(
        `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
         select $1, 'c' || i, at, at, 'busy'
         from generate_series(0, 60) i, lateral (select now() - i * interval '1 h' as at) t`,
        [acme.id],
      ),
    );
    for (const daysAgo of [3, 4, 5]) {
      const day = addDays(today, -daysAgo - 1);
      const yesterday = { report: 'calls', from: day, to: day, format: 'xlsx' };
      await asked(acme.id, daysAgo, yesterday);
      await asked(acme.id, daysAgo, { ...yesterday, from: addDays(day, -9), format: 'csv' });
    }
    const filtered = { report: 'queues', where: ['queue=PS,NE'], zone: 'Asia/Tokyo' };
    await asked(bolt.id, 2, { ...filtered, from: addDays(today, -3), to: addDays(today, -3) });
    const { database } = test;
    const now = await database.asSystem(databaseNow);
    const source = createPostgresSource(database);
    const demand = await studyDemand(database, now);
    const signal = AbortSignal.timeout(20_000);
    await planAhead(now, { database, source, demand, signal });

    const shown = await daybookDone(environment, 'demand');
    expect(shown).toMatch(
      /acme +calls as xlsx, en +3 +3 .* 3 yesterday +rows, totals, sheet of the day/,
    );
    expect(shown).toMatch(/acme +calls as csv, en +3 +3 .* rows, totals, lines as csv/);
    expect(shown).toMatch(
      /bolt +queues as csv, en, Asia\/Tokyo, where queue = PS, NE +1 +1 .* no: fresh days on fewer than 2 dates/,
    );
    expect(shown).toMatch(/acme +calls +its own +\d{4}-\d\d-\d\d +queued +2 /);

    const one = await daybookDone(environment, 'demand', '--tenant', 'bolt', '--json');
    expect(JSON.parse(one).tenants).toMatchObject([
      {
        tenant: 'bolt',
        asks: [{ times: 1, dates: 1, made_ahead: false, form: { report: 'queues' } }],
        days: [],
      },
    ]);
    const both = JSON.parse(await daybookDone(environment, 'demand', '--json'));
    expect(both.tenants[0]).toMatchObject({
      tenant: 'acme',
      asks: [{ made_ahead: true }, { made_ahead: true }],
      days: [{ dataset: 'calls', zone: null, state: 'queued' }],
    });
  });

  it('refuses a tenant that is not there, by its name', async () => {
    const { code, err } = await daybook(environment, ['demand', '--tenant', 'nobody']);
    expect(code).toBe(2);
    expect(err).toContain('nobody');
  });
});
