import { join } from 'node:path';
import { pino } from 'pino';
import { type Cleaned, clean } from '../../../src/scheduler/clean.ts';
import { addTestTenant, freshDatabase, type TestTenant } from '../../support/database.ts';
import { freshHome } from '../../support/embedded.ts';
import { startEngine } from '../../support/engine.ts';
import { filesBelow } from './daybook.ts';
import { loadCalls } from './rows.ts';

const REQUESTS = [
  { format: 'csv' },
  { format: 'zip', columns: ['external_id', 'caller', 'wait_seconds'] },
  { format: 'ndjson', where: ['queue=q1,q3'] },
  { report: 'queues', grain: 'day', format: 'csv' },
] as const;

export interface Evictions {
  readonly exports: number;
  readonly servedWrong: number;
  readonly evicted: number;
  /** Parts that a run wanted to read and that were not there, or not whole. */
  readonly missed: number;
  /** Bytes of parts on disk when all is done, and what the bound allows. */
  readonly bytesLeft: number;
  readonly boundBytes: number;
  /** Files without a row, and rows without a file. */
  readonly unpaired: readonly string[];
}

/**
 * Exports of two tenants, several at a time, beside passes of `clean` that never pause, with a
 * bound that does not hold the parts of one export.
 */
export async function evictWhileExporting(rounds: number): Promise<Evictions> {
  const test = await freshDatabase();
  const home = freshHome();
  const { database } = test;
  const boundBytes = 4_000;
  let missed = 0;
  const meter = {
    dayDone: () => {},
    damageFound: () => {
      missed += 1;
    },
  };
  const engine = startEngine({ database, home, meter });
  const deps = { database, home, boundBytes, holder: 'test', log: pino({ level: 'silent' }) };
  const pass = async () => {
    const cleaned = await clean(Date.now(), deps, new AbortController().signal);
    if (!cleaned) throw new Error('nobody else cleans here');
    return cleaned;
  };
  const exported = async (tenant: TestTenant, request: object, cache: boolean) => {
    const raw = { report: 'calls', from: '2026-03-01', to: '2026-03-04', ...request, cache };
    return (await engine.export(tenant.id, raw as never)).bytes;
  };
  try {
    const tenants: TestTenant[] = [];
    for (const name of ['acme', 'beta']) {
      tenants.push(await addTestTenant(database, { name, zone: 'UTC' }));
      await loadCalls(database, tenants[tenants.length - 1], { days: 4, perDay: 50 });
    }
    const jobs = tenants.flatMap((tenant) => REQUESTS.map((request) => ({ tenant, request })));
    const right = new Map<object, Buffer>();
    for (const job of jobs) right.set(job, await exported(job.tenant, job.request, false));

    let exporting = true;
    let evicted = 0;
    const cleaning = (async () => {
      while (exporting) evicted += (await pass()).cache.evictedParts;
    })();
    let exports = 0;
    let servedWrong = 0;
    try {
      for (let round = 0; round < rounds; round++) {
        await Promise.all(
          jobs.map(async (job) => {
            const bytes = await exported(job.tenant, job.request, true);
            exports += 1;
            if (!bytes.equals(right.get(job) as Buffer)) servedWrong += 1;
          }),
        );
      }
    } finally {
      exporting = false;
      await cleaning;
    }
    const last: Cleaned = await pass();
    evicted += last.cache.evictedParts;
    const indexed = await database.asSystem((tx) =>
      tx.query<{ path: string }>('select path from daybook.parts'),
    );
    const rows = indexed.map(({ path }) => path);
    const files = filesBelow(join(home, 'parts')).map((path) => `parts/${path}`);
    const unpaired = [
      ...files.filter((path) => !rows.includes(path)),
      ...rows.filter((path) => !files.includes(path)),
    ];
    const bytesLeft = last.cache.bytes;
    return { exports, servedWrong, evicted, missed, bytesLeft, boundBytes, unpaired };
  } finally {
    await engine.stop();
    await test.drop();
  }
}
