import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { pino } from 'pino';
import { loadRows } from '../src/ingest/load-rows.ts';
import { stageColumns } from '../src/ingest/row-encoder.ts';
import { datasetOf } from '../src/reports/dataset.ts';
import { openDatabase } from '../src/store/database.ts';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { mergeSql, stageTableSql, storeLoads } from '../src/store/loads.ts';
import { migrate } from '../src/store/migrate.ts';
import { addTenant } from '../src/store/tenants.ts';
import { type BenchRow, median } from './row.ts';

/**
 * Loading calls from CSV, side by side with what a database person would type: `psql \copy` into a
 * temporary table and the same merge, in one transaction, under the same role and policies. Each
 * run has a database of its own; the two take turns.
 */

const CALLS = datasetOf('calls');

export async function benchLoad(
  options: { readonly rows?: number; readonly runs?: number } = {},
): Promise<BenchRow[]> {
  const rows = options.rows ?? 1_000_000;
  const runs = options.runs ?? 3;
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-load-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'home') });
  try {
    const file = join(folder, 'calls.csv');
    await writeCalls(file, rows);
    const template = server.url.replace(/\/daybook$/, '/bench_template');
    await onServer(server.url, 'create database bench_template');
    await migrate(template);
    const hasPsql = spawnSync('psql', ['--version']).status === 0;
    const seconds = { ours: [] as number[], theirs: [] as number[], again: [] as number[] };
    for (let run = 0; run < runs; run++) {
      for (const side of run % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
        await onServer(server.url, 'create database bench template bench_template', 'checkpoint');
        const url = server.url.replace(/\/daybook$/, '/bench');
        if (side === 'ours') {
          const { first, second } = await loadOurs(url, file, rows);
          seconds.ours.push(first);
          seconds.again.push(second);
        } else {
          seconds.theirs.push(await loadTheirs(url, file, rows, hasPsql));
        }
        await onServer(server.url, 'drop database bench with (force)');
      }
    }
    const ours = median(seconds.ours);
    const theirs = median(seconds.theirs);
    const again = median(seconds.again);
    const with_ = hasPsql ? 'psql \\copy' : 'COPY of the bytes (no psql here)';
    const megabytes = Math.round(statSync(file).size / 1e6);
    return [
      {
        figure: `load ${rows} calls from csv`,
        ours,
        theirs,
        ratio: ours / theirs,
        unit: 's',
        note: `against ${with_} and the same merge; ${megabytes} MB`,
      },
      {
        figure: `load the same ${rows} calls again`,
        ours: again,
        theirs,
        ratio: again / theirs,
        unit: 's',
        note: `nothing changes; against their first load`,
      },
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function loadOurs(url: string, file: string, rows: number) {
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

async function loadTheirs(url: string, file: string, rows: number, hasPsql: boolean) {
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
  if (hasPsql) {
    const script = [
      ...before.map((statement) => `${statement};`),
      `\\${copy.replace('stdin', `'${file}'`)}`,
      ...after.map((statement) => `${statement.replace(/\s+/g, ' ')};`),
    ].join('\n');
    await runPsql(url, script);
  } else {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const statement of before) await client.query(statement);
    await pipeline(createReadStream(file), client.query(copyFrom(copy)));
    for (const statement of after) await client.query(statement);
    await client.end();
  }
  const seconds = (performance.now() - since) / 1000;
  const [{ count }] = await onServer(url, 'select count(*) from daybook.calls');
  if (Number(count) !== rows) throw new Error(`theirs left ${count} rows, expected ${rows}`);
  return seconds;
}

function runPsql(url: string, script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const psql = spawn('psql', [url, '-qX', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    psql.once('error', reject);
    psql.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`psql ended ${code}`))));
    psql.stdin.end(script);
  });
}

/** Calls of a month, spread over its hours, in the order in which they started. */
async function writeCalls(path: string, rows: number): Promise<void> {
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

async function onServer(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
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
  const rows = Number(process.argv[2] ?? 1_000_000);
  const runs = Number(process.argv[3] ?? 3);
  for (const row of await benchLoad({ rows, runs })) {
    process.stdout.write(
      `${row.figure}: ours ${row.ours.toFixed(2)} ${row.unit}, theirs ${row.theirs.toFixed(2)} ${row.unit}, ratio ${row.ratio.toFixed(2)} (${row.note})\n`,
    );
  }
}
