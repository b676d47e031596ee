import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { until } from '../faults/support/daybook.ts';
import { openUp, type UpRig } from '../faults/support/up.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { addDailyTenants, type DailySchedule, makeDue } from './support/daily-tenants.ts';
import { type MailSwitch, startMailSwitch } from './support/mail-switch.ts';
import { stopPostgres } from './support/postgres-down.ts';

/**
 * `up` with schedules that come due and schedules that people run, while its mail server, its folder
 * of files and its Postgres are away in turn. `DAYBOOK_LONG=short`: once, and each for seconds.
 */

const SHORT = process.env.DAYBOOK_LONG === 'short';
const ROUNDS = SHORT ? 1 : 3;
/** Besides the time until it is seen that something is away. */
const AWAY_MS = SHORT ? 1_000 : 45_000;
/** A pause of the server grows with what was away; then there is the waker's minute. */
const BACK_WITHIN_MS = 150_000;
const WAVES = 5;
const TENANTS = 4;
const PER_WAVE = 8;
const DUE = SHORT ? 0 : PER_WAVE / 2;

let rig: UpRig;
let mail: MailServer;
let line: MailSwitch;
let database: Database;
let folder: string;
let schedules: DailySchedule[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-mails-'));
  mail = await startMailServer(folder, { slowMs: 50 });
  line = await startMailSwitch(mail.port);
  rig = await openUp({
    environment: {
      SMTP_URL: `smtp://127.0.0.1:${line.port}?starttls=never`,
      MAIL_FROM: 'reports@acme.example',
      LOG_LEVEL: 'warn',
    },
  });
  database = openDatabase({
    ...{ url: rig.url(), maxConnections: 4, applicationName: 'test' },
    log: pino({ level: 'silent' }),
  });
  const each = (ROUNDS * WAVES * PER_WAVE) / TENANTS;
  schedules = await addDailyTenants(database, {
    ...{ tenants: TENANTS, each, calls: 40, now: Date.now() },
  });
});
afterAll(async () => {
  await database?.close();
  await rig?.close();
  await line?.close();
  await mail?.close();
  rmSync(folder, { recursive: true, force: true });
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let begun = 0;
/** Some of the next ones come due by themselves, at the next minute; the others are asked for. */
async function begin(due = DUE): Promise<readonly DailySchedule[]> {
  const wave = schedules.slice(begun, begun + PER_WAVE);
  begun += PER_WAVE;
  await makeDue(database, wave.slice(0, due));
  for (const schedule of wave.slice(due)) await runByPerson(schedule);
  return wave;
}

async function runByPerson({ id, token }: DailySchedule): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${rig.port}/v1/schedules/${id}/run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'idempotency-key': id },
    signal: AbortSignal.timeout(20_000),
  });
  expect(answer.status).toBe(202);
}

/** Until a person could see it. */
async function isSeen(what: 'deliveries' | 'runs', pattern: string): Promise<void> {
  const sql =
    what === 'deliveries'
      ? `select last_code as code from daybook.deliveries where state = 'pending'`
      : `select error_code as code from daybook.runs where state = 'queued'`;
  await until(
    async () => {
      const codes = await database.asSystem((tx) => tx.query<{ code: string | null }>(sql));
      return codes.some(({ code }) => new RegExp(pattern).test(code ?? '')) || null;
    },
    `${what} say ${pattern}`,
    100_000,
  );
}

const sentOf = async (of: readonly DailySchedule[]) => {
  const [{ sent }] = await database.asSystem((tx) =>
    tx.query<{ sent: number }>(
      `select count(*)::int as sent from daybook.deliveries
       where state = 'sent' and recipient = any($1)`,
      [of.map(({ recipient }) => recipient)],
    ),
  );
  return sent;
};

/** How long it took from when it was back, in ms. */
async function goesOn(wave: readonly DailySchedule[]): Promise<number> {
  const since = performance.now();
  let left = wave.length;
  await until(
    async () => {
      left = wave.length - (await sentOf(wave).catch(() => 0));
      return left === 0 || null;
    },
    'all of the wave is sent',
    BACK_WITHIN_MS,
  ).catch(async (error: Error) => {
    const stuck = await database.asSystem((tx) =>
      tx.query(
        `select d.state, d.last_code, d.last_reply, count(*)::int from daybook.deliveries d
         where d.state <> 'sent' group by 1, 2, 3
         union all select r.state, r.error_code, r.error_message, count(*)::int
         from daybook.runs r where r.state <> 'done' group by 1, 2, 3`,
      ),
    );
    throw new Error(`${error.message}: ${left} left; ${JSON.stringify(stuck)}`);
  });
  return Math.round(performance.now() - since);
}

async function withoutMailServer(mode: 'refuse' | 'hang'): Promise<number> {
  await line.set(mode);
  const wave = await begin();
  await isSeen('deliveries', mode === 'refuse' ? 'ECONN|ESOCKET' : 'ETIMEDOUT|ECONN');
  await pause(AWAY_MS);
  await line.set('pass');
  return goesOn(wave);
}

/** What is made, and what was made and waits, both meet a folder that is not there. */
async function withoutFiles(): Promise<number> {
  await line.set('refuse');
  const made = await begin();
  await isSeen('deliveries', 'ECONN|ESOCKET');
  const files = join(rig.home, 'files');
  renameSync(files, `${files}.away`);
  const unmade = await begin();
  await isSeen('runs', 'E_NO_DISK');
  await line.set('pass');
  await isSeen('deliveries', 'E_NO_DISK');
  await pause(AWAY_MS);
  // Nothing was put in its place.
  renameSync(`${files}.away`, files);
  return goesOn([...made, ...unmade]);
}

async function withoutPostgres(): Promise<number> {
  const wave = await begin(PER_WAVE / 2);
  const start = await stopPostgres(rig);
  await until(
    async () => ((await rig.api('/readyz').catch(() => null))?.status === 503 ? true : null),
    'it is not ready',
  );
  await pause(AWAY_MS);
  await start();
  return goesOn(wave);
}

async function inRounds(what: string, outage: () => Promise<number>): Promise<void> {
  const backMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) backMs.push(await outage());
  console.info(JSON.stringify({ away: what, backMs }));
}

it('a mail server that refuses connections delays and loses nothing', () =>
  inRounds('refusing server', () => withoutMailServer('refuse')));

it('a folder of files that is away is waited for, with what is to be made and what is to be sent', () =>
  inRounds('files', withoutFiles));

it('Postgres that is stopped and started delays and loses nothing, also of what is due then', () =>
  inRounds('Postgres', withoutPostgres));

it('a mail server that says nothing delays and loses nothing', () =>
  inRounds('silent server', () => withoutMailServer('hang')));

it('and each file arrived once, with the bytes that were sealed', async () => {
  const owed = await database.asSystem((tx) =>
    tx.query<{ recipient: string; state: string; sha256: string }>(
      `select d.recipient, d.state, r.sha256 from daybook.deliveries d
       join daybook.report_files r on r.tenant_id = d.tenant_id and r.id = d.report_file_id`,
    ),
  );
  expect(owed).toHaveLength(begun);
  const arrived = new Map<string, string[]>();
  for (const bytes of mail.taken()) {
    const email = await PostalMime.parse(bytes);
    const to = email.to?.[0]?.address as string;
    const files = email.attachments
      .filter(({ disposition }) => disposition === 'attachment')
      .map(({ content }) => new Uint8Array(content as ArrayBuffer))
      .map((content) => createHash('sha256').update(content).digest('hex'));
    arrived.set(to, [...(arrived.get(to) ?? []), ...files]);
  }
  for (const { recipient, state, sha256 } of owed) {
    expect({ recipient, state, files: arrived.get(recipient) }).toEqual({
      ...{ recipient, state: 'sent', files: [sha256] },
    });
  }
});
