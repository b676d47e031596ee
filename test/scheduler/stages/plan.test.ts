import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planStage } from '../../../src/scheduler/stages/plan.ts';
import { editSchedule, moveDueTimes, setScheduleState } from '../../../src/store/save-schedule.ts';
import { requireSchedule } from '../../../src/store/schedules.ts';
import { requireTenant, setTenantZone } from '../../../src/store/tenants.ts';
import { freshDatabase, type TestDatabase, type TestTenant } from '../../support/database.ts';
import { manySchedules, planAtOnce } from './many-schedules.ts';
import { occurrencesOf, scheduleAt, tenantIn, utc } from './support.ts';

let test: TestDatabase;
let lisbon: TestTenant;
beforeAll(async () => {
  test = await freshDatabase();
  lisbon = await tenantIn(test, 'Europe/Lisbon');
});
afterAll(() => test.drop());

const plan = (instant: string) => planStage(utc(instant), test, AbortSignal.timeout(60_000));
const nominals = async (id: string) =>
  (await occurrencesOf(test, id)).map(({ nominal, state }) => `${nominal} ${state}`);

describe('a due time that has come', () => {
  it('is planned once, whatever passes run, and the schedule goes on from it', async () => {
    const { id } = await scheduleAt(test, lisbon, '2026-01-10T12:00Z');
    expect(await plan('2026-01-11T07:59Z')).toEqual({ planned: 0, skipped: 0, missed: 0 });
    expect(await plan('2026-01-11T08:00Z')).toEqual({ planned: 1, skipped: 0, missed: 0 });
    // A clock that went back, and one that went on a little.
    for (const at of ['2026-01-11T05:00Z', '2026-01-11T08:00Z', '2026-01-11T09:00Z']) {
      expect((await plan(at)).planned).toBe(0);
    }
    expect(await nominals(id)).toEqual(['2026-01-11 08:00 planned']);
    const next = await test.database.asTenant(lisbon.id, (tx) => requireSchedule(tx, id));
    expect(next.nextNominal).toBe('2026-01-12 08:00');
    await test.database.asTenant(lisbon.id, (tx) =>
      tx.run('update daybook.schedules set removed_at = now() where id = $1', [id]),
    );
  });

  it('keeps the version that it was planned with, and an edit serves no date twice or never', async () => {
    const made = await scheduleAt(test, lisbon, '2026-02-01T00:00Z', {
      name: 'edited',
      at: '08:00',
    });
    await plan('2026-02-01T08:00Z');
    const edit = async (at: string, raw: Record<string, unknown>) => {
      const tenant = await test.database.asSystem((tx) => requireTenant(tx, lisbon.id));
      return test.database.asTenant(lisbon.id, (tx) =>
        editSchedule(tx, made.id, raw, { tenant, owner: 'operator:cli', now: utc(at) }),
      );
    };
    // After today's was planned: the later hour is tomorrow's.
    expect((await edit('2026-02-01T08:30Z', { at: '09:00' })).nextNominal).toBe('2026-02-02 09:00');
    // Before today's was: the earlier hour has passed, and today is still owed.
    expect((await edit('2026-02-02T07:30Z', { at: '06:00' })).nextNominal).toBe('2026-02-02 06:00');
    await plan('2026-02-02T07:31Z');
    // A weekly rule serves the next of its days.
    const weekly = await edit('2026-02-02T08:00Z', { every: 'week', on: 'thu' });
    expect(weekly).toMatchObject({ nextNominal: '2026-02-05 06:00', version: 4 });
    const found = await occurrencesOf(test, made.id);
    expect(found.map(({ nominal, version, due }) => [nominal, version, due])).toEqual([
      ['2026-02-01 08:00', 1, '2026-02-01T08:00Z'],
      ['2026-02-02 06:00', 3, '2026-02-02T06:00Z'],
    ]);
  });

  it('moves with the clocks of its tenant and keeps its name', async () => {
    const tenant = await tenantIn(test, 'Asia/Tokyo');
    const { id } = await scheduleAt(test, tenant, '2026-03-01T00:00Z');
    await test.database.asSystem(async (tx) => {
      const moved = await setTenantZone(tx, tenant.id, 'America/New_York', '2026-03-02');
      await moveDueTimes(tx, moved);
    });
    await plan('2026-03-02T12:59Z');
    expect(await nominals(id)).toEqual([]);
    await plan('2026-03-02T13:00Z');
    expect(await nominals(id)).toEqual(['2026-03-02 08:00 planned']);
    const found = await requireTenant_(tenant.id);
    await test.database.asTenant(tenant.id, (tx) =>
      setScheduleState(tx, id, 'paused', { tenant: found, now: utc('2026-03-02T14:00Z') }),
    );
  });

  it('during a pause is not made up for after it', async () => {
    const tenant = await tenantIn(test, 'UTC', 'paused');
    const found = await requireTenant_(tenant.id);
    const { id } = await scheduleAt(test, tenant, '2026-03-01T00:00Z');
    const set = (state: 'paused' | 'active', at: string) =>
      test.database.asTenant(tenant.id, (tx) =>
        setScheduleState(tx, id, state, { tenant: found, now: utc(at) }),
      );
    await set('paused', '2026-03-01T07:00Z');
    await plan('2026-03-04T09:00Z');
    expect(await nominals(id)).toEqual([]);
    expect((await set('active', '2026-03-04T09:00Z')).nextNominal).toBe('2026-03-05 08:00');
    await set('paused', '2026-03-04T09:00Z');
  });
});

const requireTenant_ = (id: string) => test.database.asSystem((tx) => requireTenant(tx, id));

describe('after five days without a pass', () => {
  const down = async (catchUp: string, from = '2026-04-01T12:00Z') => {
    const tenant = await tenantIn(test, 'America/Sao_Paulo', `down-${catchUp}`);
    const schedule = await scheduleAt(test, tenant, from, { catch_up: catchUp });
    await plan('2026-04-06T12:00Z');
    const found = await occurrencesOf(test, schedule.id);
    await test.database.asSystem((tx) =>
      tx.run(`update daybook.schedules set state = 'paused' where id = $1`, [schedule.id]),
    );
    return found;
  };

  it('`all` makes up for each, oldest first, late, in one digest', async () => {
    const found = await down('all');
    expect(found.map(({ nominal, state, late }) => [nominal.slice(0, 10), state, late])).toEqual([
      ['2026-04-02', 'planned', true],
      ['2026-04-03', 'planned', true],
      ['2026-04-04', 'planned', true],
      ['2026-04-05', 'planned', true],
      ['2026-04-06', 'planned', true],
    ]);
    const [digest, ...others] = new Set(found.map((each) => each.digest));
    expect(digest).not.toBeNull();
    expect(others).toEqual([]);
  });

  it('`latest` makes the newest, and says of the others why not', async () => {
    const found = await down('latest');
    expect(found.map(({ state }) => state)).toEqual([
      ...['skipped', 'skipped', 'skipped', 'skipped', 'planned'],
    ]);
    expect(found[0].reason).toContain('a newer one is made instead');
    expect(found[4].digest).toBeNull();
  });

  it('`none` makes nothing, and says so', async () => {
    const found = await down('none');
    expect(found.map(({ state }) => state)).toEqual(Array(5).fill('skipped'));
    expect(found[0].reason).toContain('makes up for nothing');
  });

  it('what is older than seven days is missed, and its owner is told once', async () => {
    await test.database.asSystem((tx) =>
      tx.run(
        `insert into daybook.members (tenant_id, user_id, email, roles)
         select id, gen_random_uuid(), 'boss@example.com', '{owner}' from daybook.tenants
         where name = 'down-all'`,
      ),
    );
    const tenant = await test.database.asSystem((tx) => requireTenant(tx, 'down-all'));
    const schedule = await scheduleAt(test, tenant, '2026-03-20T12:00Z', { name: 'older' });
    expect(await plan('2026-04-06T12:00Z')).toEqual({ planned: 7, skipped: 0, missed: 10 });
    const found = await occurrencesOf(test, schedule.id);
    expect(found.filter(({ state }) => state === 'missed').at(-1)?.nominal).toBe(
      '2026-03-30 08:00',
    );
    const notices = await test.database.asSystem((tx) =>
      tx.query(`select recipient, topic, detail from daybook.deliveries where topic = 'missed'`),
    );
    expect(notices).toEqual([
      { recipient: 'boss@example.com', topic: 'missed', detail: { count: 10 } },
    ]);
  });
});

describe('20 planners at once', () => {
  it('plan 2,000 schedules that are due in one minute, and nothing twice', async () => {
    const own = await freshDatabase();
    try {
      await manySchedules(own, 100, 20);
      expect(await planAtOnce(own, 20)).toBe(2_000);
    } finally {
      await own.drop();
    }
  });
});
