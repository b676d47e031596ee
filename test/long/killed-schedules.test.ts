import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { listAttempts } from '../../src/store/delivery-attempts.ts';
import { until } from '../faults/support/daybook.ts';
import { openUp, type UpRig } from '../faults/support/up.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { addDailyTenants, type DailySchedule, makeDue } from './support/daily-tenants.ts';

/**
 * `up` with schedules that come due and schedules that people run, while its runner, its compute
 * processes and its Postgres are killed at random, many of them in the middle of DATA. Ten runs for
 * each kill. `DAYBOOK_KILLS` asks for another number: the rounds of several calls may be added up.
 */

const KILLS = Number(process.env.DAYBOOK_KILLS ?? (process.env.DAYBOOK_LONG === 'short' ? 8 : 200));
const RUNS_PER_KILL = 10;
const TENANTS = 10;
/** Every fourth kill, and at least a fifth of all, comes in the middle of DATA. */
const DATA_EVERY = 4;
const ENDS_WITHIN_MS = 150_000;

let rig: UpRig;
let mail: MailServer;
let database: Database;
let folder: string;
let schedules: DailySchedule[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-mails-'));
  mail = await startMailServer(folder, { slowMs: 300 });
  rig = await openUp({
    environment: {
      SMTP_URL: `smtp://127.0.0.1:${mail.port}?starttls=never`,
      MAIL_FROM: 'reports@acme.example',
      LOG_LEVEL: 'warn',
    },
  });
  database = openDatabase({
    ...{ url: rig.url(), maxConnections: 4, applicationName: 'test' },
    log: pino({ level: 'silent' }),
  });
  schedules = await again(() =>
    addDailyTenants(database, {
      ...{ tenants: TENANTS, each: (KILLS * RUNS_PER_KILL) / TENANTS, calls: 40 },
      now: Date.now(),
    }),
  );
});
afterAll(async () => {
  await database.close();
  await rig.close();
  await mail.close();
  rmSync(folder, { recursive: true, force: true });
});

type Victim = 'runner' | 'compute' | 'postgres';
interface Kill {
  readonly victim: Victim;
  readonly inData: boolean;
  readonly at: number;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const oneOf = <T>(of: readonly T[]) => of[Math.floor(Math.random() * of.length)];

/** What is done again while the database is away. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  return until(() => work().catch(() => null), 'the database is back', 60_000);
}

async function pidOf(victim: Victim): Promise<number> {
  const look = () =>
    victim === 'postgres'
      ? rig.postgresPid()
      : oneOf(rig.children().filter(({ role }) => role === victim))?.pid;
  return until(() => look() ?? null, `there is a ${victim}`);
}

/** Asked for by a person; the key makes asking twice the same as once. */
async function runByPerson({ id, token }: DailySchedule): Promise<void> {
  await until(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${rig.port}/v1/schedules/${id}/run`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'idempotency-key': id },
        signal: AbortSignal.timeout(20_000),
      }).catch(() => null);
      if (answer !== null && answer.status < 500 && answer.status !== 202) {
        throw new Error(`${answer.status}: ${await answer.text()}`);
      }
      return answer?.status === 202 ? true : null;
    },
    'the API takes it',
    60_000,
  );
}

/** Half come due, half are asked for. */
async function begin(wave: readonly DailySchedule[]): Promise<void> {
  const due = wave.slice(0, wave.length / 2);
  await again(() => makeDueOnce(due));
  for (const schedule of wave.slice(due.length)) await runByPerson(schedule);
}

/** A commit that was lost to us may stand: only what is not due yet is set back. */
async function makeDueOnce(due: readonly DailySchedule[]): Promise<true> {
  const open = await database.asSystem((tx) =>
    tx.query<{ id: string }>(
      `select s.id from daybook.schedules s where s.id = any($1::uuid[]) and s.next_due > now()
         and not exists (select from daybook.occurrences o where o.schedule_id = s.id)`,
      [due.map(({ id }) => id)],
    ),
  );
  const ids = new Set(open.map(({ id }) => id));
  await makeDue(
    database,
    due.filter(({ id }) => ids.has(id)),
  );
  return true;
}

/** In the middle of DATA while there is mail to send; else at once. */
async function kill(victim: Victim, inData: boolean): Promise<Kill> {
  const pid = await pidOf(victim);
  if (inData) {
    const at = oneOf(['first-bytes', 'before-answer'] as const);
    const killed = mail.killInData({ pid, after: Math.floor(Math.random() * 12), at });
    const came = await Promise.race([killed.then(() => true), pause(45_000).then(() => false)]);
    if (came || !(await mail.callOff())) return { victim, inData: true, at: Date.now() };
  }
  process.kill(await pidOf(victim), 'SIGKILL');
  return { victim, inData: false, at: Date.now() };
}

interface Owed {
  readonly id: string;
  readonly tenantId: string;
  readonly state: string;
  readonly recipient: string;
  readonly sha256: string;
  readonly path: string;
  readonly coding: string;
}

async function everythingEnds(): Promise<void> {
  const open = () =>
    database.asSystem((tx) =>
      tx.query(
        `select 'occurrence' as what, state, count(*)::int from daybook.occurrences
         where state in ('planned', 'held', 'processing')
           or state = 'sealed' and not exists (select from daybook.deliveries d
             where d.occurrence_id = occurrences.id and d.state = 'held')
         group by state
         union all select 'run', state, count(*)::int from daybook.runs
         where state in ('queued', 'running') group by state
         union all select 'delivery', state, count(*)::int from daybook.deliveries
         where state in ('pending', 'sending', 'in_doubt') group by state
         union all select 'schedule', 'due', count(*)::int from daybook.schedules
         where next_due <= now() having count(*) > 0`,
      ),
    );
  let left: unknown[] = [];
  await until(
    async () => {
      const look = await open().catch(() => null);
      if (look) left = look;
      return look?.length === 0 ? true : null;
    },
    'everything ends',
    ENDS_WITHIN_MS,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; stuck: ${JSON.stringify(left)}`);
  });
}

it(
  `${KILLS} kills over ${KILLS * RUNS_PER_KILL} runs lose, spoil and hold up nothing; each second copy was in doubt at a kill`,
  async () => {
    const kills: Kill[] = [];
    for (let round = 0; round < KILLS; round++) {
      await begin(schedules.slice(round * RUNS_PER_KILL, (round + 1) * RUNS_PER_KILL));
      const inData = round % DATA_EVERY === 0;
      if (!inData) await pause(Math.random() * 2_000);
      // Who sends is the runner; the database is what it would tell.
      const victim = inData
        ? oneOf(['runner', 'runner', 'postgres'] as const)
        : oneOf(['runner', 'compute', 'compute', 'postgres'] as const);
      kills.push(await kill(victim, inData));
    }
    const since = performance.now();
    await everythingEnds();
    const endedMs = Math.round(performance.now() - since);

    // Lost: nothing. Each schedule came once, made one file, and that file is owed once.
    const counts = await database.asSystem((tx) =>
      tx.query(
        `select (select count(*)::int from daybook.occurrences) as occurrences,
           (select count(distinct schedule_id)::int from daybook.occurrences) as schedules,
           (select count(*)::int from daybook.runs where occurrence_id is not null
             and state = 'done') as runs,
           (select count(*)::int from daybook.runs where occurrence_id is not null) as "allRuns"`,
      ),
    );
    const runs = schedules.length;
    expect(counts).toEqual([{ occurrences: runs, schedules: runs, runs, allRuns: runs }]);
    const owed = await database.asSystem((tx) =>
      tx.query<Owed & Record<string, unknown>>(
        `select d.id, d.tenant_id as "tenantId", d.state, d.recipient, r.sha256, f.path, f.coding
         from daybook.deliveries d
         join daybook.report_files r on r.tenant_id = d.tenant_id and r.id = d.report_file_id
         join daybook.files f on f.tenant_id = r.tenant_id and f.id = r.file_id`,
      ),
    );
    expect(owed.map(({ recipient }) => recipient).sort()).toEqual(
      schedules.map(({ recipient }) => recipient).sort(),
    );

    const copies = new Map<string, { id: string; sha256: string[] }[]>();
    for (const bytes of mail.taken()) {
      const email = await PostalMime.parse(bytes);
      const to = email.to?.[0]?.address as string;
      const sha256 = email.attachments
        .filter(({ disposition }) => disposition === 'attachment')
        .map(({ content }) =>
          createHash('sha256')
            .update(new Uint8Array(content as ArrayBuffer))
            .digest('hex'),
        );
      copies.set(to, [...(copies.get(to) ?? []), { id: email.messageId as string, sha256 }]);
    }
    let doubles = 0;
    let held = 0;
    for (const each of owed) {
      const mails = copies.get(each.recipient) ?? [];
      // Corrupt: nothing, neither on the disk nor on the way.
      const stored = readFileSync(join(rig.home, each.path));
      const bytes = each.coding === 'gzip' ? gunzipSync(stored) : stored;
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(each.sha256);
      for (const { sha256 } of mails) expect(sha256, each.recipient).toEqual([each.sha256]);
      expect(new Set(mails.map(({ id }) => id)).size, each.recipient).toBeLessThan(2);
      expect(mails.length, each.recipient).toBeLessThan(3);

      const attempts = await database.asTenant(each.tenantId, (tx) => listAttempts(tx, each.id));
      const doubts = attempts.filter(
        ({ outcome, finalAt }) =>
          finalAt !== null && (outcome === 'lost' || outcome === 'ambiguous'),
      );
      // Each doubt has a kill in it: after its message was to be ended, before its end was on record.
      for (const { finalAt, endedAt } of doubts) {
        const cause = kills.some(
          ({ victim, at }) =>
            victim !== 'compute' &&
            at >= (finalAt as number) - 1_000 &&
            at <= (endedAt as number) + 1_000,
        );
        expect(cause, JSON.stringify({ finalAt, endedAt, kills })).toBe(true);
      }
      if (mails.length === 2) {
        doubles += 1;
        expect(doubts.length, each.recipient).toBeGreaterThanOrEqual(1);
      }
      // Twice in doubt: a person decides, as a third copy would be worse.
      if (each.state === 'held') {
        held += 1;
        expect(doubts.length, each.recipient).toBe(2);
      } else {
        expect({ state: each.state, copies: mails.length > 0 }, each.recipient).toEqual({
          state: 'sent',
          copies: true,
        });
      }
    }
    const inData = kills.filter((each) => each.inData).length;
    const of = (victim: Victim) => kills.filter((each) => each.victim === victim).length;
    console.info(
      JSON.stringify({
        ...{ kills: kills.length, inData, runs, mails: mail.count(), doubles, held, endedMs },
        ...{ runner: of('runner'), compute: of('compute'), postgres: of('postgres') },
      }),
    );
    expect(inData).toBeGreaterThanOrEqual(Math.floor(KILLS / 5));
  },
  60 * 60_000,
);
