import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pino } from 'pino';
import { loadRows } from '../src/ingest/load-rows.ts';
import { stageColumns } from '../src/ingest/row-encoder.ts';
import { datasetOf } from '../src/reports/dataset.ts';
import { openDatabase } from '../src/store/database.ts';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { mergeSql, stageTableSql, storeLoads } from '../src/store/loads.ts';
import { migrate } from '../src/store/migrate.ts';
import { addTenant } from '../src/store/tenants.ts';
import { psql } from './psql.ts';
import { type BenchRow, rowOf, tableOf } from './row.ts';

/**
 * Loading calls from CSV, side by side with what a database person would type: `psql \copy` into a
 * temporary table and the same merge, in one transaction, under the same role and policies. Each
 * run has a database of its own; the two take turns.
 */

const CALLS = datasetOf('calls');

export async function benchLoad({
  rows = 1_000_000,
  runs = 3,
  say = () => {},
}: {
  readonly rows?: number;
  readonly runs?: number;
  readonly say?: (text: string) => void;
} = {}): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-load-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'home') });
  try {
    const file = join(folder, 'calls.csv');
    await writeCalls(file, rows);
    await onServer(server.url, 'create database bench_template');
    await migrate(server.url.replace(/\/daybook$/, '/bench_template'));
    const first: { ours: number; theirs: number }[] = [];
    const again: { ours: number; theirs: number }[] = [];
    for (let run = 0; run < runs; run++) {
      const seconds = { ours: { first: 0, second: 0 }, theirs: 0 };
      for (const side of run % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
        await onServer(server.url, 'create database bench template bench_template', 'checkpoint');
        const url = server.url.replace(/\/daybook$/, '/bench');
        if (side === 'ours') seconds.ours = await loadOurs(url, file, rows);
        else seconds.theirs = await loadTheirs(url, file, rows);
        await onServer(server.url, 'drop database bench with (force)');
      }
      const { ours, theirs } = seconds;
      say(`load: ${ours.first.toFixed(2)} s, psql ${theirs.toFixed(2)} s`);
      first.push({ ours: ours.first, theirs });
      again.push({ ours: ours.second, theirs });
    }
    const megabytes = Math.round(statSync(file).size / 1e6);
    return [
      rowOf(
        `load ${rows} calls from csv`,
        's',
        `psql \\copy to a temporary table and the same merge; ${megabytes} MB`,
        first,
      ),
      rowOf(
        `load the same ${rows} calls again`,
        's',
        'psql as above, its first load; here nothing changes',
        again,
      ),
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function loadOurs(url: string, file: string, rows: number) {
  const database = openDatabase({
    url,
    maxConnections: 2,
    applicationName: 'bench',
    log: pino({ level: 'silent' }),
  });
  try {
    const tenant = await database.asSystem((tx) => addTenant(tx, { name: 'bench', zone: 'UTC' }));
    const load = async (expected: 'loaded' | 'unchanged') => {
      const since = performance.now();
      const result = await loadRows(
        createReadStream(file, { highWaterMark: 1 << 18 }),
        {
          tenant,
          dataset: 'calls',
          name: 'calls.csv',
          format: null,
          map: null,
          requestedBy: 'bench',
          completeThrough: null,
        },
        { store: storeLoads(database), signal: new AbortController().signal },
      );
      if (result[expected] !== rows) throw new Error(`${JSON.stringify(result)}, expected ${rows}`);
      return (performance.now() - since) / 1000;
    };
    return { first: await load('loaded'), second: await load('unchanged') };
  } finally {
    await database.close();
  }
}

export async function loadTheirs(url: string, file: string, rows: number) {
  const database = openDatabase({
    url,
    maxConnections: 1,
    applicationName: 'bench',
    log: pino({ level: 'silent' }),
  });
  const tenant = await database.asSystem((tx) => addTenant(tx, { name: 'bench', zone: 'UTC' }));
  await database.close();
  const fields = CALLS.fields.map((field) => field.name).join(', ');
  const claims = JSON.stringify({ app_metadata: { tenant_id: tenant.id } });
  const before = [
    'begin',
    'set local role daybook_tenant',
    `select set_config('request.jwt.claims', '${claims}', true)`,
    stageTableSql(stageColumns(CALLS), CALLS).replace(
      'row_number bigint',
      'row_number bigint generated always as identity',
    ),
  ];
  const copy = `copy daybook_stage (${fields}) from stdin (format csv, header)`;
  const after = [
    'analyze daybook_stage',
    mergeSql(CALLS).replaceAll('$1', `'${tenant.id}'`),
    'commit',
  ];
  const since = performance.now();
  await psql(url, [
    ...before,
    `\\${copy.replace('stdin', `'${file}'`)}`,
    ...after.map((statement) => statement.replace(/\s+/g, ' ')),
  ]);
  const seconds = (performance.now() - since) / 1000;
  const [{ count }] = await onServer(url, 'select count(*) from daybook.calls');
  if (Number(count) !== rows) throw new Error(`theirs left ${count} rows, expected ${rows}`);
  return seconds;
}

/** Calls of a month, spread over its hours, in the order in which they started. */
export async function writeCalls(path: string, rows: number): Promise<void> {
  const out = createWriteStream(path);
  const names = CALLS.fields.map((field) => field.name);
  const start = Date.UTC(2024, 0, 1);
  const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  async function* lines() {
    yield `${names.join(',')}\n`;
    for (let from = 0; from < rows; from += 1000) {
      let piece = '';
      for (let i = from; i < Math.min(rows, from + 1000); i++) {
        const at = start + Math.floor((i * 31 * 86_400_000) / rows);
        const wait = i % 45;
        const talk = (i * 7) % 600;
        const answered = i % 8 !== 0;
        piece += `call-${String(i).padStart(8, '0')},${iso(at)},${iso(at + 1000)},${
          answered ? iso(at + wait * 1000) : ''
        },${iso(at + (wait + talk) * 1000)},inbound,+4420${70_000_000 + (i % 9999)},+448001111,${
          ['sales', 'support', 'billing'][i % 3]
        },agent-${i % 120},,${answered ? 'answered' : 'abandoned'},${wait},${answered ? talk : ''}\n`;
      }
      yield piece;
    }
  }
  await pipeline(lines(), out);
}

export async function onServer(
  url: string,
  ...statements: string[]
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const quick = process.argv.includes('--quick') ? { rows: 100_000, runs: 1 } : {};
  const rows = await benchLoad({ ...quick, say });
  process.stdout.write(`${tableOf(rows)}\n`);
}
