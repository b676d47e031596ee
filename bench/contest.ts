import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import {
  BENCH_DAYS,
  BENCH_PERIOD,
  BENCH_ZONE,
  type BenchTenant,
  openBenchTenant,
} from './bench-tenant.ts';
import type { RivalColumn } from './exceljs-rival.ts';
import { type LiveDaybook, startDaybook } from './live-daybook.ts';

/** A tenant with calls, a live `daybook up` over them, and what ours and rivals are asked for. */
export interface Contest {
  readonly url: string;
  readonly tenant: BenchTenant;
  readonly daybook: LiveDaybook;
  /** A place for files. */
  fileAt(name: string): string;
  readonly rows: number;
  /** Exports to a file, once Daybook is quiet; seconds from the POST to the last byte. */
  seconds(request: Record<string, unknown>, name: string): Promise<number>;
  /** Makes the parts of every day, by exporting each for itself. */
  warm(request: Record<string, unknown>): Promise<void>;
  /** Resolves when Daybook has nothing left to do in the background, which would hinder a rival. */
  untilQuiet(): Promise<void>;
  close(): Promise<void>;
}

const instant = (key: string): RivalColumn => ({
  key,
  sql: `${key} at time zone '${BENCH_ZONE}' as ${key}`,
  instant: true,
});
const plain = (key: string): RivalColumn => ({ key, sql: key, instant: false });

export const COLUMNS: readonly RivalColumn[] = [
  plain('external_id'),
  instant('started_at'),
  instant('answered_at'),
  instant('ended_at'),
  ...['direction', 'caller', 'callee', 'queue', 'agent', 'trunk', 'disposition'].map(plain),
  plain('wait_seconds'),
  plain('talk_seconds'),
];

export const REQUEST = {
  report: 'calls',
  ...BENCH_PERIOD,
  columns: COLUMNS.map((column) => column.key),
  headers: 'keys',
};

/** The rows of the period, as a rival's SELECT goes on after its columns. */
export function fromWhere(tenantId: string): string {
  return `from daybook.calls where tenant_id = '${tenantId}'
    and started_at >= timestamp '2026-03-01' at time zone '${BENCH_ZONE}'
    and started_at < timestamp '2026-04-01' at time zone '${BENCH_ZONE}'
    order by started_at, external_id`;
}

const MEMORY_DISK = '/dev/shm';

/** Must be closed. */
export async function openContest(rows: number, say: (text: string) => void): Promise<Contest> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
  // What clients and rivals write stands in memory where it can: their disk is not what is raced.
  const files = mkdtempSync(
    join(existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir(), 'daybook-bench-'),
  );
  const release: (() => unknown)[] = [folder, files].map(
    (each) => () => rmSync(each, { recursive: true, force: true }),
  );
  const close = async () => {
    for (const each of release.splice(0).reverse()) await each();
  };
  try {
    const postgres = await startEmbeddedPostgres({ home: join(folder, 'postgres-home') });
    release.push(() => postgres.stop());
    say(`making ${rows} calls`);
    const tenant = await openBenchTenant(postgres.url, rows);
    release.push(() => tenant.close());
    const daybook = await startDaybook(postgres.url, join(folder, 'home'));
    release.push(() => daybook.stop());
    const fileAt = (name: string) => join(files, name);
    return {
      url: postgres.url,
      tenant,
      daybook,
      fileAt,
      rows,
      close,
      async seconds(request, name) {
        await untilAllHashed(postgres.url);
        const started = performance.now();
        await daybook.exportTo(fileAt(name), tenant.token, { ...REQUEST, ...request });
        return (performance.now() - started) / 1000;
      },
      async warm(request) {
        for (const date of BENCH_DAYS) {
          const one = { ...REQUEST, ...request, from: date, to: date };
          await daybook.exportTo(fileAt('day'), tenant.token, one);
        }
      },
      untilQuiet: () => untilAllHashed(postgres.url),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const HASHED_WITHIN_MS = 120_000;

async function untilAllHashed(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const deadline = performance.now() + HASHED_WITHIN_MS;
    for (;;) {
      const { rows } = await client.query(
        'select count(*)::int as open from daybook.files where sha256 is null and removed_at is null',
      );
      if (rows[0].open === 0) return;
      if (performance.now() > deadline) throw new Error(`${rows[0].open} files have no hash yet`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    await client.end();
  }
}

/** Does the work while nobody can read a call: what is done then is done without the source. */
export async function withoutSource<T>(databaseUrl: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('begin; lock table daybook.calls in access exclusive mode');
    return await work();
  } finally {
    await client.end();
  }
}
