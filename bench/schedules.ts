import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { startDaybook } from './live-daybook.ts';
import { type MailSink, startMailSink } from './mail-sink.ts';
import { type MixedRequests, startMixedRequests } from './mixed-requests.ts';
import { type BenchOptions, type BenchRow, tableOf } from './row.ts';
import { openScheduleTenants, type ScheduleTenants } from './schedule-tenants.ts';

/**
 * A morning: many tenants' reports about yesterday are due in the same minute, while people work
 * with the API. Measured from the due time, by the clock, to the moment in which a mail server beside
 * us has taken the last mail. There is no rival; ours stands beside the bar that was set for it.
 */

const EACH = 5;
const REQUESTS_PER_SECOND = 50;
const BAR_SECONDS = 90;
const BAR_P99_MS = 300;
const GIVE_UP_MS = 10 * 60_000;
/** Before they are due: night. */
const AHEAD_MS = 4 * 60_000;
/** People are at work already when reports are due. */
const AT_WORK_MS = 20_000;
/** A mail server answers fewer mails than are due? Then it says so, this often. */
const SAY_MS = 5_000;

export async function benchSchedules({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-schedules-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'database') });
  const sink = await startMailSink();
  try {
    const tenants = await openScheduleTenants(server.url, quick ? 20 : 200);
    say(`schedules: ${tenants.all.length} tenants with ${tenants.rows} calls of yesterday`);
    // They have been there for long: their days are made ahead, as they are each night.
    const dueAt = await tenants.schedule(EACH, quick ? AHEAD_MS / 2 : AHEAD_MS);
    const daybook = await startDaybook(server.url, join(folder, 'home'), {
      SMTP_URL: `smtp://127.0.0.1:${sink.port}?starttls=never`,
      MAIL_FROM: 'reports@bench.example',
    });
    try {
      while (!(await tenants.isMadeAhead())) {
        if (Date.now() > dueAt) throw new Error('the days were not made ahead in time');
        await pause(1_000);
      }
      say(`schedules: yesterday is made ahead, ${Math.round((dueAt - Date.now()) / 1000)} s early`);
      await pause(dueAt - AT_WORK_MS - Date.now());
      const people = startMixedRequests(daybook.url, tenants.all, REQUESTS_PER_SECOND);
      await pause(dueAt - Date.now());
      people.countFromNow();
      return await measure({ sink, tenants, people }, { dueAt, quick, say });
    } finally {
      await daybook.stop();
      await tenants.close();
    }
  } finally {
    await sink.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  {
    sink,
    tenants,
    people,
  }: {
    readonly sink: MailSink;
    readonly tenants: ScheduleTenants;
    readonly people: MixedRequests;
  },
  { dueAt, quick, say }: BenchOptions & { readonly dueAt: number },
): Promise<BenchRow[]> {
  const mails = tenants.all.length * EACH;
  let said = Date.now();
  while (sink.count() < mails) {
    await pause(50);
    if (Date.now() - dueAt > GIVE_UP_MS) {
      throw new Error(`${sink.count()} of ${mails} mails: ${await tenants.describe()}`);
    }
    if (Date.now() - said < SAY_MS) continue;
    said = Date.now();
    const elapsed = Math.round((said - dueAt) / 1000);
    say(`schedules: ${elapsed} s, ${sink.count()} mails; ${await tenants.describe()}`);
  }
  const { ms, refused } = await people.stop();
  if (refused.length > 0) say(`schedules: refused: ${refused.slice(0, 5).join(', ')}`);
  const all = [...ms.values()].flat();
  const p99 = p99Of(all);
  const [slowest] = [...ms]
    .map(([kind, of]) => ({ kind, p99: p99Of(of) }))
    .sort((a, b) => b.p99 - a.p99);
  for (const [kind, of] of ms)
    say(`schedules: ${kind}: 99 of 100 within ${Math.round(p99Of(of))} ms`);
  const seconds = (sink.lastAt() - dueAt) / 1000;
  const megabytes = Math.round(sink.bytes() / 1e6);
  const bar = quick ? BAR_SECONDS / 10 : BAR_SECONDS;
  const note = `${mails} reports, ${tenants.rows} calls, ${megabytes} MB of mail; theirs: the bar`;
  return [
    rowBeside('schedules, due to the last mail taken', seconds, bar, 's', note),
    rowBeside(
      'API meanwhile, 99 of 100 answered within',
      p99,
      BAR_P99_MS,
      'ms',
      `${all.length} requests, ${REQUESTS_PER_SECOND} a second, ${refused.length} refused; slowest ${slowest.kind}, ${Math.round(slowest.p99)} ms; theirs: the bar`,
    ),
  ];
}

function p99Of(ms: readonly number[]): number {
  return [...ms].sort((a, b) => a - b)[Math.floor(ms.length * 0.99)];
}

function rowBeside(
  figure: string,
  ours: number,
  bar: number,
  unit: string,
  note: string,
): BenchRow {
  return { figure, ours, theirs: bar, ratio: ours / bar, unit, note };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  const say = (text: string) => process.stderr.write(`${text}\n`);
  process.stdout.write(`${tableOf(await benchSchedules({ quick: values.quick, say }))}\n`);
}
