import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pino } from 'pino';
import { openDatabase } from '../src/store/database.ts';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { migrate } from '../src/store/migrate.ts';
import { addTenant } from '../src/store/tenants.ts';
import { psql } from './psql.ts';
import { type BenchOptions, type BenchRow, rowOf, secondsOf } from './row.ts';

/**
 * A carrier's file against as many charges, as the command does it: read, judged, matched, written
 * as a workbook, kept. Differences of each class are planted, and the bench fails unless each is
 * found as what it is and no other. Beside it, what a database person would type.
 */

const DAYBOOK = fileURLToPath(new URL('../bin/daybook.js', import.meta.url));
const START_MS = Date.UTC(2026, 2, 1);
const MARCH_SECONDS = 31 * 86_400 - 60;

export async function benchReconcile({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const [rows, rounds] = quick ? [100_000, 3] : [1_000_000, 5];
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-reconcile-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'home') });
  try {
    await migrate(server.url);
    const tenantId = await addBenchTenant(server.url);
    const planted = await plant(folder, rows, tenantId);
    await psql(server.url, [
      `\\copy daybook.charges (${CHARGE_COLUMNS}) from '${join(folder, 'charges.csv')}' (format csv)`,
    ]);
    await psql(server.url, ['vacuum analyze daybook.charges']);
    const seconds: { ours: number; theirs: number }[] = [];
    const megabytes: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const ours = await runOurs(server.url, folder);
      await demandPlanted(server.url, ours.id, planted);
      const theirs = await secondsOf(() => psql(server.url, rivalOf(folder, tenantId)));
      say(
        `reconcile: ${ours.seconds.toFixed(1)} s, ${Math.round(ours.megabytes)} MB; SQL ${theirs.toFixed(1)} s`,
      );
      seconds.push({ ours: ours.seconds, theirs });
      megabytes.push(ours.megabytes);
    }
    const differences = planted.reduce((sum, { ids }) => sum + ids.length, 0);
    return [
      rowOf(
        `reconcile ${rows} rows with ${rows} charges`,
        's',
        `psql: the file into a temporary table, a full join by id, the rest by parties and time, to csv; ours one to one, in a workbook; ${differences} planted differences found, no other`,
        seconds,
      ),
      rowOf(
        'the same, peak memory of the command',
        'MB',
        'beside the 600 MB that it may take',
        megabytes.map((ours) => ({ ours, theirs: 600 })),
      ),
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function addBenchTenant(url: string): Promise<string> {
  const log = pino({ level: 'silent' });
  const database = openDatabase({ url, maxConnections: 1, applicationName: 'bench', log });
  try {
    const wanted = { name: 'bench', zone: 'UTC', currency: 'EUR' };
    return (await database.asSystem((tx) => addTenant(tx, wanted))).id;
  } finally {
    await database.close();
  }
}

const CHARGE_COLUMNS =
  'tenant_id, external_id, started_at, billed_on, status, payer, direction, caller, callee, billed_seconds, plan, prefix, amount, currency';

interface Planted {
  readonly class: string;
  /** Of our call, or of their row where we have none. */
  readonly ids: string[];
}

/** Half of the rows share ids with our calls, half are to be found by parties and start. */
async function plant(folder: string, rows: number, tenantId: string): Promise<Planted[]> {
  const planted: Planted[] = [
    ...['only_ours', 'only_theirs', 'duration', 'rate', 'rounding', 'duplicate'],
  ].map((name) => ({ class: name, ids: [] }));
  const money = (units: number) =>
    `${Math.floor(units / 10_000)}.${String(units % 10_000).padStart(4, '0')}`;
  const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const carrier: string[] = [];
  async function* charges() {
    let piece = '';
    for (let i = 0; i < rows; i++) {
      const mixed = Math.imul(i + 1, 2_654_435_761) >>> 0;
      const at = START_MS + (mixed % MARCH_SECONDS) * 1000;
      const seconds = mixed % 600;
      const units = seconds * 37 + 100;
      const caller = `4420${70_000_000 + (mixed % 5_000)}`;
      const callee = `49${1_000_000_000 + i}`;
      const kind = i % 211 < planted.length ? planted[i % 211] : null;
      const own = `call-${i}`;
      const their = i % 2 === 0 ? own : `cdr-${i}`;
      kind?.ids.push(['only_theirs', 'duplicate'].includes(kind.class) ? their : own);
      if (kind?.class !== 'only_theirs') {
        piece += `${tenantId},${own},${iso(at)},${iso(at).slice(0, 10)},rated,self,outbound,+${caller},+${callee},${seconds},p,49,${money(units)},EUR\n`;
      }
      if (kind?.class !== 'only_ours') {
        const theirSeconds = kind?.class === 'duration' ? seconds + 6 : seconds;
        const more = { duration: 222, rate: 500, rounding: 1 }[kind?.class ?? ''] ?? 0;
        const late = i % 2 === 0 ? 0 : ((i % 7) - 3) * 1000;
        const row = `${their},${iso(Math.max(START_MS, at + late))},00${caller},${callee},${theirSeconds},${money(units + more)},EUR\n`;
        carrier.push(row);
        if (kind?.class === 'duplicate') carrier.push(row);
      }
      if (piece.length > 1 << 16) {
        yield piece;
        piece = '';
      }
    }
    yield piece;
  }
  await pipeline(charges(), createWriteStream(join(folder, 'charges.csv')));
  async function* shuffled() {
    yield 'external_id,started_at,caller,callee,billed_seconds,amount,currency\n';
    // A stride without a common factor visits each row once.
    const stride = 7_919;
    for (let i = 0; i < carrier.length; i++) yield carrier[(i * stride) % carrier.length];
  }
  if (carrier.length % 7_919 === 0) throw new Error('the stride would skip rows');
  await pipeline(shuffled(), createWriteStream(join(folder, 'carrier.csv')));
  return planted;
}

async function runOurs(url: string, folder: string) {
  const out = join(folder, 'out.xlsx');
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[DAYBOOK, 'reconcile', '--tenant', 'bench', '--from', '2026-03-01', '--to', '2026-03-31'],
      ...['--carrier', join(folder, 'carrier.csv'), '--out', out, '--json'],
    ],
    {
      env: { PATH: process.env.PATH, DATABASE_URL: url, DAYBOOK_HOME: join(folder, 'cli') },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  // The highest so far: what is missed is the growth of the last moment.
  let megabytes = 0;
  const watch = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      megabytes = Math.max(megabytes, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has ended.
    }
  }, 50);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [printed, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await ended;
  clearInterval(watch);
  if (code !== 0) throw new Error(`reconcile ended with ${code}: ${errors}`);
  const { id } = JSON.parse(printed) as { id: string };
  return { id, seconds: (performance.now() - started) / 1000, megabytes };
}

/** @throws Error unless exactly what was planted was found */
async function demandPlanted(url: string, id: string, planted: readonly Planted[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ class: string; ids: string[] }>(
      `select class, array_agg(coalesce(call_id, their_id)) as ids
       from daybook.reconciliation_lines where reconciliation_id = $1 group by class`,
      [id],
    );
    for (const { class: name, ids } of planted) {
      const found = rows.find((row) => row.class === name)?.ids ?? [];
      if (found.sort().join() !== [...ids].sort().join()) {
        throw new Error(`${name}: ${found.length} found, ${ids.length} planted`);
      }
    }
  } finally {
    await client.end();
  }
}

/** A careful person's SQL. It may give a row of one side to two of the other; ours never does. */
function rivalOf(folder: string, tenantId: string): string[] {
  return [
    'begin',
    `create temporary table carrier (external_id text, started_at timestamptz, caller text,
       callee text, billed_seconds bigint, amount numeric, currency text) on commit drop`,
    `\\copy carrier from '${join(folder, 'carrier.csv')}' (format csv, header)`,
    `create temporary table ours on commit drop as
       select external_id, started_at, ltrim(caller, '+0') as caller, ltrim(callee, '+0') as callee,
         billed_seconds, amount from daybook.charges where tenant_id = '${tenantId}'
         and billed_on between '2026-03-01' and '2026-03-31'`,
    `create temporary table theirs on commit drop as
       select external_id, started_at, ltrim(caller, '+0') as caller, ltrim(callee, '+0') as callee,
         billed_seconds, amount from carrier`,
    'analyze ours',
    'analyze theirs',
    `create temporary table pairs on commit drop as
       select o.external_id as our_id, t.external_id as their_id from ours o join theirs t using (external_id)
       union all
       select o.external_id, t.external_id from ours o join theirs t
         on t.caller = o.caller and t.callee = o.callee
         and t.started_at between o.started_at - interval '5 s' and o.started_at + interval '5 s'
       where o.external_id <> t.external_id`,
    `\\copy (select o.*, t.*, coalesce(t.amount, 0) - coalesce(o.amount, 0) as explains from ours o full join pairs p on p.our_id = o.external_id full join theirs t on t.external_id = p.their_id) to '${join(folder, 'rival.csv')}' (format csv)`,
    'commit',
  ].map((statement) => statement.replace(/\s+/g, ' '));
}
