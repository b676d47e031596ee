import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { BENCH_PERIOD, BENCH_ZONE, type BenchTenant, openBenchTenant } from './bench-tenant.ts';
import { exportWithExcelJs, type RivalColumn } from './exceljs-rival.ts';
import { type LiveDaybook, startDaybook } from './live-daybook.ts';
import { psql } from './psql.ts';
import { type BenchOptions, type BenchRow, rowOf, secondsOf } from './row.ts';

/**
 * Cold exports of 31 days of calls × 13 columns: from the POST to the last byte of the file on
 * disk, every day read from the database. Rivals get the same columns, order and local times:
 * `psql \copy` for CSV, ExcelJS's streaming writer behind a cursor for .xlsx.
 */
export async function benchExport({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rows = quick ? 100_000 : 1_000_000;
  const rounds = quick ? 3 : 5;
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
  const postgres = await startEmbeddedPostgres({ home: join(folder, 'postgres-home') });
  let tenant: BenchTenant | undefined;
  let daybook: LiveDaybook | undefined;
  try {
    say(`export: making ${rows} calls`);
    tenant = await openBenchTenant(postgres.url, rows);
    daybook = await startDaybook(postgres.url, join(folder, 'home'));
    const contest = { url: postgres.url, tenant, daybook, folder, rows, rounds, say };
    return [await againstPsql(contest), await againstExcelJs(contest)];
  } finally {
    await daybook?.stop();
    await tenant?.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Contest {
  readonly url: string;
  readonly tenant: BenchTenant;
  readonly daybook: LiveDaybook;
  readonly folder: string;
  readonly rows: number;
  readonly rounds: number;
  readonly say: (text: string) => void;
}

const instant = (key: string): RivalColumn => ({
  key,
  sql: `${key} at time zone '${BENCH_ZONE}' as ${key}`,
  instant: true,
});
const plain = (key: string): RivalColumn => ({ key, sql: key, instant: false });

const COLUMNS: readonly RivalColumn[] = [
  plain('external_id'),
  instant('started_at'),
  instant('answered_at'),
  instant('ended_at'),
  ...['direction', 'caller', 'callee', 'queue', 'agent', 'trunk', 'disposition'].map(plain),
  plain('wait_seconds'),
  plain('talk_seconds'),
];

const REQUEST = {
  report: 'calls',
  ...BENCH_PERIOD,
  columns: COLUMNS.map((column) => column.key),
  headers: 'keys',
};

function fromWhere(tenantId: string): string {
  return `from daybook.calls where tenant_id = '${tenantId}'
    and started_at >= timestamp '2026-03-01' at time zone '${BENCH_ZONE}'
    and started_at < timestamp '2026-04-01' at time zone '${BENCH_ZONE}'
    order by started_at, external_id`;
}

async function againstPsql(contest: Contest): Promise<BenchRow> {
  const { daybook, tenant, url, folder } = contest;
  const ours = join(folder, 'ours.csv');
  const theirs = join(folder, 'theirs.csv');
  const select = `select ${COLUMNS.map((c) => c.sql).join(', ')} ${fromWhere(tenant.tenantId)}`;
  const copy = `\\copy (${select.replaceAll('\n', ' ')}) to '${theirs}' with (format csv, header)`;
  const seconds = await race(contest, 'CSV', {
    ours: () => daybook.exportTo(ours, tenant.token, { ...REQUEST, format: 'csv' }),
    theirs: () => psql(url, [copy]),
  });
  await demandSameLines(ours, theirs, contest.rows + 1);
  return rowOf(
    'cold CSV export',
    's',
    `psql \\copy; ${contest.rows} rows × 13, 31 days; same text, line by line`,
    seconds,
  );
}

async function againstExcelJs(contest: Contest): Promise<BenchRow> {
  const { daybook, tenant, url, folder } = contest;
  const seconds = await race(contest, '.xlsx', {
    ours: () =>
      daybook.exportTo(join(folder, 'ours.xlsx'), tenant.token, {
        ...REQUEST,
        format: 'xlsx',
        cell_refs: 'never',
      }),
    theirs: async () => {
      const written = await exportWithExcelJs({
        databaseUrl: url,
        columns: COLUMNS,
        from: fromWhere(tenant.tenantId),
        out: join(folder, 'theirs.xlsx'),
      });
      if (written !== contest.rows) throw new Error(`ExcelJS wrote ${written} rows`);
    },
  });
  return rowOf(
    'cold .xlsx export',
    's',
    `ExcelJS streaming writer, cursor; ${contest.rows} rows × 13, 31 days`,
    seconds,
  );
}

/** Rounds of both, one after the other; every round of ours starts without a valid part. */
async function race(
  contest: Contest,
  name: string,
  work: { ours: () => Promise<unknown>; theirs: () => Promise<unknown> },
): Promise<{ ours: number; theirs: number }[]> {
  const seconds: { ours: number; theirs: number }[] = [];
  for (let round = 1; round <= contest.rounds; round++) {
    await contest.tenant.forgetParts();
    const ours = await secondsOf(work.ours);
    const theirs = await secondsOf(work.theirs);
    contest.say(
      `export: ${name} ${round}/${contest.rounds}: ${ours.toFixed(2)} s, rival ${theirs.toFixed(2)} s`,
    );
    seconds.push({ ours, theirs });
  }
  return seconds;
}

/** Both files say the same, besides their line ends; else the race was of different things. */
async function demandSameLines(ours: string, theirs: string, expected: number): Promise<void> {
  const lines = (path: string) =>
    createInterface({ input: createReadStream(path), crlfDelay: Infinity })[Symbol.asyncIterator]();
  const left = lines(ours);
  const right = lines(theirs);
  for (let line = 1; ; line++) {
    const [a, b] = await Promise.all([left.next(), right.next()]);
    if (a.done && b.done) {
      if (line - 1 === expected) return;
      throw new Error(`the CSV files have ${line - 1} lines, expected ${expected}`);
    }
    if (a.value !== b.value) {
      throw new Error(
        `line ${line} differs: ours ${a.value ?? '(none)'}, psql's ${b.value ?? '(none)'}`,
      );
    }
  }
}
