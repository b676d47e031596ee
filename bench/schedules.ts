import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { type LiveDaybook, startDaybook } from './live-daybook.ts';
import { type MailSink, startMailSink } from './mail-sink.ts';
import { startMixedRequests } from './mixed-requests.ts';
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
/** A mail server answers fewer mails than are due? Then it says so, this often. */
const SAY_MS = 5_000;

export async function benchSchedules({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-schedules-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'database') });
  const sink = await startMailSink();
  try {
    const tenants = await openScheduleTenants(server.url, quick ? 20 : 200);
    say(`schedules: ${tenants.all.length} tenants with ${tenants.rows} calls of yesterday`);
    const daybook = await startDaybook(server.url, join(folder, 'home'), {
      SMTP_URL: `smtp://127.0.0.1:${sink.port}?starttls=never`,
      MAIL_FROM: 'reports@bench.example',
    });
    try {
      await tenants.warm(daybook.url);
      say('schedules: the rows parts are there');
      return await measure(daybook, sink, tenants, { quick, say });
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
  daybook: LiveDaybook,
  sink: MailSink,
  tenants: ScheduleTenants,
  { quick, say }: BenchOptions,
): Promise<BenchRow[]> {
  const mails = tenants.all.length * EACH;
  const dueAt = await tenants.schedule(EACH);
  await pause(dueAt - Date.now());
  const people = startMixedRequests(daybook.url, tenants.all, REQUESTS_PER_SECOND);
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
  const sorted = [...ms].sort((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)];
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
      `${ms.length} requests, ${REQUESTS_PER_SECOND} a second, ${refused.length} refused; theirs: the bar`,
    ),
  ];
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
