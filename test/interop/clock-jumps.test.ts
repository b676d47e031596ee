import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { addSchedule } from '../../src/store/save-schedule.ts';
import { requireTenant } from '../../src/store/tenants.ts';
import { addTestTenant } from '../support/database.ts';
import { type FakedClock, openFakedClock, startFakedPostgres } from './support/faked-clock.ts';
import type { Ticked } from './support/ticking-process.ts';

/**
 * What is due is due by the clock of the database, and that clock is set back and ahead: Postgres and
 * the process that ticks have one that jumps, also in the middle of a pass. Seconds go by as ever.
 */

const JUMPS = Number(process.env.DAYBOOK_JUMPS ?? 20);
const [LEAST_HOURS, MOST_HOURS] = [-3, 26];
const HOUR_MS = 3_600_000;
const TICKING = fileURLToPath(new URL('./support/ticking-process.ts', import.meta.url));

const RULES = [
  { every: 'cron', cron: '0 * * * *', zone: 'UTC' },
  { every: 'day', at: '02:30', zone: 'Europe/London' },
  { every: 'day', at: '00:00', zone: 'America/New_York' },
] as const;

let clock: FakedClock;
let postgres: Awaited<ReturnType<typeof startFakedPostgres>>;
let database: Database;
let ticking: ChildProcess;
const passes = new EventEmitter();
let schedules: { readonly id: string }[];
let furthest = 0;
beforeAll(async () => {
  clock = openFakedClock();
  postgres = await startFakedPostgres(clock);
  const log = pino({ level: 'silent' });
  await migrate(postgres.url, { log });
  database = openDatabase({ url: postgres.url, maxConnections: 2, applicationName: 'test', log });
  const { id } = await addTestTenant(database, { name: 'acme', zone: 'UTC' });
  const tenant = await database.asSystem((tx) => requireTenant(tx, id));
  schedules = await database.asTenant(id, async (tx) => {
    // Complete for longer than the clock will go.
    await tx.run(
      `insert into daybook.dataset_marks (tenant_id, dataset, complete_through)
       values ($1, 'calls', now() + interval '10 years')`,
      [id],
    );
    const added = [];
    for (const [number, rule] of RULES.entries()) {
      const recipients = [{ email: 'ana@example.com' }];
      const of = { name: `s${number}`, report: 'calls', format: 'csv', period: 'yesterday' };
      const saving = { tenant, owner: 'operator:cli', now: clock.now() };
      added.push(await addSchedule(tx, { ...of, ...rule, recipients }, saving));
    }
    return added;
  });
  ticking = spawn(process.execPath, ['--import', 'tsx', TICKING, postgres.url], {
    env: { PATH: process.env.PATH, TZ: 'UTC', ...clock.environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  createInterface({ input: ticking.stdout! }).on('line', (line) => {
    const ticked = JSON.parse(line) as Ticked;
    if (ticked.stage === 'plan') furthest = Math.max(furthest, ticked.now);
    passes.emit(ticked.stage, ticked.now);
  });
  await once(passes, 'plan');
}, 120_000);
afterAll(async () => {
  ticking.stdin!.end();
  await once(ticking, 'close');
  await database.close();
  await postgres.stop();
  clock.close();
});

/** Until what is due by the clock as it is now is planned, and what was planned is processed. */
async function passesBy(signal: AbortSignal): Promise<void> {
  await passOf('plan', (now) => Math.abs(now - clock.now()) < 60_000, signal);
  const planned = clock.now();
  await passOf('process', (now) => now >= planned && now < planned + 60_000, signal);
}

/** Wakes the stage until a pass of it was as of a time that is wanted. */
async function passOf(
  stage: Ticked['stage'],
  isWanted: (now: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    ticking.stdin!.write('wake\n');
    const [now] = (await once(passes, stage, { signal })) as [number];
    if (isWanted(now)) return;
  }
}

it(
  `${JUMPS} jumps of the clock, ${LEAST_HOURS} h to ${MOST_HOURS} h: each due time has one occurrence and one run, and none is missed`,
  async () => {
    const began = clock.now();
    for (let jump = 0; jump < JUMPS; jump++) {
      // In the middle of a pass, more often than not.
      ticking.stdin!.write('wake\n');
      await new Promise((resolve) => setTimeout(resolve, 450 + Math.random() * 150));
      const hours = LEAST_HOURS + Math.random() * (MOST_HOURS - LEAST_HOURS);
      clock.jump(hours * HOUR_MS);
      await passesBy(AbortSignal.timeout(45_000));
    }
    const rows = await database.asSystem((tx) =>
      tx.query<{ schedule: string; nominal: string; due: number; state: string; runs: number }>(
        `select o.schedule_id as schedule, o.nominal, o.state,
         extract(epoch from o.due_at)::float8 * 1000 as due,
         (select count(*)::int from daybook.runs r where r.occurrence_id = o.id) as runs
       from daybook.occurrences o order by o.due_at`,
      ),
    );
    expect(rows.filter(({ state, runs }) => state !== 'processing' || runs !== 1)).toEqual([]);
    const of = (index: number) => rows.filter(({ schedule }) => schedule === schedules[index].id);

    const hours: number[] = [];
    const firstHour = Math.ceil(began / HOUR_MS) * HOUR_MS;
    for (let hour = firstHour; hour <= furthest; hour += HOUR_MS) hours.push(hour);
    expect(of(0).map(({ due }) => due)).toEqual(hours);

    for (const index of [1, 2]) {
      const dates = of(index).map(({ nominal }) => Date.parse(`${nominal.slice(0, 10)}T00:00Z`));
      const consecutive = dates.map((_, i) => dates[0] + i * 24 * HOUR_MS);
      expect(dates).toEqual(consecutive);
      const [next] = await database.asSystem((tx) =>
        tx.query<{ due: number }>(
          'select extract(epoch from next_due)::float8 * 1000 as due from daybook.schedules where id = $1',
          [schedules[index].id],
        ),
      );
      const dues = of(index).map(({ due }) => due);
      expect(dues[0]).toBeLessThan(began + 25 * HOUR_MS);
      expect(dues.at(-1)).toBeLessThanOrEqual(furthest);
      expect(next.due).toBeGreaterThan(furthest);
    }
    console.info(
      JSON.stringify({
        jumps: JUMPS,
        occurrences: rows.length,
        days: (furthest - began) / 86_400_000,
      }),
    );
  },
  JUMPS * 10_000 + 60_000,
);
