import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSendStage } from '../../../src/scheduler/send/send.ts';
import { planStage } from '../../../src/scheduler/stages/plan.ts';
import { processStage } from '../../../src/scheduler/stages/process.ts';
import { claimRuns } from '../../../src/store/run-leases.ts';
import type { ScheduleRow } from '../../../src/store/schedules.ts';
import { startApi, type TestApi } from '../../api/support.ts';
import type { TestTenant } from '../../support/database.ts';
import { daybookDone } from '../../support/daybook-command.ts';
import { startEngine, type TestEngine } from '../../support/engine.ts';
import { sendDeps } from '../send/support/stage.ts';
import { occurrencesOf, scheduleAt, utc } from './support.ts';

/** Nothing ran for five days, then something did: each schedule as its policy says, and visibly. */

const DOWN = '2026-04-01T12:30Z';
const UP = '2026-04-06T12:45Z';
const HOURLY = { every: 'cron', cron: '0 * * * *', at: undefined };
const SIX_A_DAY = { every: 'cron', cron: '0 */4 * * *', at: undefined };
const FOUR_A_DAY = { every: 'cron', cron: '0 */6 * * *', at: undefined };

let api: TestApi;
let engine: TestEngine | undefined;
let schedules: Record<string, ScheduleRow>;
beforeAll(async () => {
  api = await startApi();
  const save = (tenant: TestTenant, name: string, raw: Record<string, unknown>) =>
    scheduleAt(api.db, tenant, DOWN, { name, ...raw });
  const policies = ['all', 'latest', 'none'] as const;
  const made: [string, ScheduleRow][] = [];
  for (const policy of policies) {
    const recipients = [{ email: `${policy}@example.com` }];
    const to = { catch_up: policy, recipients };
    made.push([`daily ${policy}`, await save(api.a, `daily ${policy}`, to)]);
    // Whatever is made up for is made: hours of five days would take their time.
    const often = { ...(policy === 'all' ? SIX_A_DAY : HOURLY), ...to };
    made.push([`often ${policy}`, await save(api.a, `often ${policy}`, often)]);
  }
  const often = { ...FOUR_A_DAY, recipients: [{ email: 'often@example.com' }] };
  made.push(['other', await save(api.b, 'other', { ...often, catch_up: 'all' })]);
  schedules = Object.fromEntries(made);
  await api.db.database.asSystem((tx) =>
    tx.run(
      `insert into daybook.dataset_marks (tenant_id, dataset, complete_through)
       select id, 'calls', timestamptz '2026-04-07' from daybook.tenants`,
    ),
  );
  expect(await planStage(utc(UP), api.db, signal())).toEqual(PLANNED);
});
afterAll(async () => {
  await engine?.stop();
  await api.close();
});

const signal = () => AbortSignal.timeout(60_000);
const HOURS = 5 * 24;
const SIXTHS = 5 * 6;
/** By `all` each day, sixth and quarter of a day; by `latest` one of each of two schedules. */
const PLANNED = {
  planned: 5 + SIXTHS + 20 + 2,
  // By `none` all, by `latest` all but the newest.
  skipped: 5 + HOURS + (5 - 1) + (HOURS - 1),
  missed: 0,
};
const statesOf = async (name: string) => {
  const found = await occurrencesOf(api.db, schedules[name].id);
  return found.map(({ state, late }) => `${late ? 'late ' : ''}${state}`);
};

describe('five days without a pass', () => {
  it('plan each due time once, as the policy of its schedule says', async () => {
    expect(await planStage(utc(UP), api.db, signal())).toEqual({
      ...{ planned: 0, skipped: 0, missed: 0 },
    });
    expect(await statesOf('daily all')).toEqual(Array(5).fill('late planned'));
    expect(await statesOf('often all')).toEqual(Array(SIXTHS).fill('late planned'));
    for (const [name, due] of [
      ['daily latest', 5],
      ['often latest', HOURS],
    ] as const) {
      const states = await statesOf(name);
      expect(states).toHaveLength(due);
      expect(states.map((state) => state.replace('late ', ''))).toEqual([
        ...Array(due - 1).fill('skipped'),
        'planned',
      ]);
    }
    expect(await statesOf('daily none')).toEqual(Array(5).fill('late skipped'));
    expect(await statesOf('often none')).toEqual(Array(HOURS).fill('late skipped'));
  });

  it('what is skipped is to be seen, with the reason, over HTTP and at the command line', async () => {
    for (const [name, reason, count] of [
      ['often none', 'makes up for nothing', HOURS],
      ['often latest', 'a newer one is made instead', HOURS - 1],
    ] as const) {
      const { id } = schedules[name];
      const url = `/v1/schedules/${id}/runs?state=skipped&limit=100`;
      const seen: { due_at: string; late: boolean; reason: string }[] = [];
      for (let cursor = ''; ; ) {
        const answer = await api.server.inject({ url: `${url}${cursor}`, headers: api.asA });
        const page = answer.json();
        seen.push(...page.items);
        if (page.next_cursor === null) break;
        cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
      }
      expect(seen).toHaveLength(count);
      expect(new Set(seen.map(({ due_at }) => due_at)).size).toBe(count);
      for (const each of seen) {
        expect(each).toMatchObject({ late: true, reason: expect.stringContaining(reason) });
      }
      const environment = { DAYBOOK_HOME: api.home, DATABASE_URL: api.db.url };
      const args = ['schedule', 'show', name, '--tenant', 'acme', '--json'];
      const shown = JSON.parse(await daybookDone(environment, ...args));
      expect(shown.occurrences).toHaveLength(10);
      const last = shown.occurrences.at(-1);
      expect(last).toMatchObject({ state: 'skipped', reason: expect.stringContaining(reason) });
    }
  });

  it('are queued oldest first, and claimed of the tenants in turn', async () => {
    await processStage(utc(UP), api.db, signal());
    const queued = await queuedRuns();
    expect(queued).toHaveLength(PLANNED.planned);
    for (const tenant of ['acme', 'bolt']) {
      const due = queued.filter(({ name }) => name === tenant).map((run) => run.due);
      expect(due, tenant).toEqual(due.toSorted((a, b) => a - b));
    }
    // Who has little to make up for does not wait for who has much.
    const options = { holder: 'look', limit: 40, leaseSeconds: 30 };
    await api.db.database
      .asSystem(async (tx) => {
        const claimed = await claimRuns(tx, options);
        const ofBolt = claimed.filter(({ tenantId }) => tenantId === api.b.id);
        expect(ofBolt).toHaveLength(20);
        throw new Error('rolled back');
      })
      .catch((error: Error) => expect(error.message).toBe('rolled back'));
    const started = startEngine({ database: api.db.database, home: api.home });
    engine = started;
    await Promise.all(queued.map(({ id, tenantId }) => started.finished(tenantId, id)));
  });

  it('go out as one mail for each schedule, not as a burst', async () => {
    await processStage(utc(UP) + 1_000, api.db, signal());
    const deps = sendDeps({ database: api.db.database, home: api.home });
    const send = createSendStage(deps, { atOnce: 8, mostOfTenant: 4 });
    await send(Date.now() + 1_000, signal());
    const outbox = join(api.home, 'outbox');
    const mails = await Promise.all(
      readdirSync(outbox).map((name) => PostalMime.parse(readFileSync(join(outbox, name)))),
    );
    const files = mails.map(({ to, attachments }) => [
      to?.[0].address,
      attachments.filter(({ disposition }) => disposition === 'attachment').length,
    ]);
    expect(files.sort()).toEqual([
      ...[
        ['all@example.com', SIXTHS],
        ['all@example.com', 5],
      ].sort(),
      ...[
        ['latest@example.com', 1],
        ['latest@example.com', 1],
      ],
      ['often@example.com', 20],
    ]);
    const open = await api.db.database.asSystem((tx) =>
      tx.query(`select 1 from daybook.deliveries where state <> 'sent'`),
    );
    expect(open).toEqual([]);
  }, 60_000);
});

function queuedRuns() {
  return api.db.database.asSystem((tx) =>
    tx.query<{ id: string; tenantId: string; name: string; due: number }>(
      `select r.id, r.tenant_id as "tenantId", t.name,
         extract(epoch from o.due_at)::float8 as due
       from daybook.runs r join daybook.occurrences o on o.id = r.occurrence_id
       join daybook.tenants t on t.id = r.tenant_id order by r.created_at, r.id`,
    ),
  );
}
