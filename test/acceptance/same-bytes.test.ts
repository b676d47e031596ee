import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';
import {
  daybookDone,
  type Environment,
  type RunningUp,
  startUp,
} from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import { isThorough } from '../support/thorough.ts';

/** The same data and the same request give the same bytes, whoever makes them, however. */

const FORMATS = isThorough ? ['csv', 'csv.gz', 'zip', 'ndjson', 'xlsx'] : ['csv', 'xlsx'];
const REPORTS = isThorough
  ? ['calls', 'queues', 'traffic', 'sales', 'sales-daily']
  : ['calls', 'sales-daily'];
const DAY_MS = 86_400_000;

let test: TestDatabase;
let up: RunningUp;
let served: Record<string, string>;
let alone: Record<string, string>;
let authorization: { authorization: string };
/** The last three local dates, the last of them today, which no cache may hold. */
let untilToday: string[];
/** Three days long past. */
const settled = ['2024-03-08', '2024-03-09', '2024-03-10'];

beforeAll(async () => {
  test = await freshDatabase();
  const secret = 'a secret of forty characters, for tests.';
  const common = { DATABASE_URL: test.url, DAYBOOK_SECRET: secret, LOG_LEVEL: 'error' };
  served = { ...common, DAYBOOK_HOME: freshHome() };
  alone = { ...common, DAYBOOK_HOME: freshHome() };
  // A zone where it is about noon now, so that today does not end while we look.
  const now = Date.now();
  const hoursToNoon = 12 - new Date(now).getUTCHours();
  const zone = `Etc/GMT${hoursToNoon > 0 ? '-' : '+'}${Math.abs(hoursToNoon)}`;
  const localNow = now + hoursToNoon * 3_600_000;
  untilToday = [2, 1, 0].map((ago) => new Date(localNow - ago * DAY_MS).toISOString().slice(0, 10));
  await addTestTenant(test.database, { name: 'acme', zone, currency: 'EUR' });
  for (const [dataset, lines] of Object.entries(rowsOf([...settled, ...untilToday]))) {
    const file = join(served.DAYBOOK_HOME, `${dataset}.csv`);
    writeFileSync(file, lines.join('\n'));
    const map = join(served.DAYBOOK_HOME, 'map.json');
    writeFileSync(map, JSON.stringify({ zone, fields: fieldsOf(lines[0]) }));
    await daybookDone(served, 'load', dataset, file, '--tenant', 'acme', '--map', map);
  }
  const key = await daybookDone(served, 'tenant', 'key', 'acme', '--scope', 'read');
  authorization = { authorization: `Bearer ${key.trim()}` };
  up = await startUp(served, ['--no-demo']);
});
afterAll(async () => {
  await up?.stop();
  await test?.drop();
});

/** Some rows on each date, at local wall times before noon. */
function rowsOf(dates: string[]): { calls: string[]; order_lines: string[] } {
  const calls = ['external_id,started_at,ended_at,disposition,queue,wait_seconds,talk_seconds'];
  const orders = ['order_id,line_no,ordered_at,sku,quantity,unit_price,currency'];
  for (const date of dates) {
    for (let i = 0; i < 40; i++) {
      const minute = String(i).padStart(2, '0');
      const disposition = i % 5 === 0 ? 'abandoned' : 'answered';
      const queue = ['"sales, new"', 'support', ''][i % 3];
      calls.push(
        `${date}-${i},${date}T08:${minute}:07,${date}T09:${minute}:00,${disposition},${queue},${i},${i * 7}`,
      );
      orders.push(
        `${date}-${i >> 2},${i},${date}T07:${minute}:00,S${i % 7},${i - 3},1.${minute}5,EUR`,
      );
    }
  }
  return { calls, order_lines: orders };
}

function fieldsOf(header: string): Record<string, unknown> {
  return Object.fromEntries(
    header
      .split(',')
      .map((name) => [
        name,
        name.endsWith('_at') ? { column: name, format: "yyyy-MM-dd'T'HH:mm:ss" } : name,
      ]),
  );
}

/** Asks `up` over HTTP, and fetches what it made. */
async function overHttp(
  report: string,
  format: string,
  dates: readonly string[],
): Promise<{ sha256: string; cached: number }> {
  const body = { report, format, from: dates[0], to: dates[dates.length - 1] };
  const asked = await fetch(`${up.url}/v1/exports`, {
    method: 'POST',
    headers: { ...authorization, 'content-type': 'application/json', prefer: 'wait=60' },
    body: JSON.stringify(body),
  });
  const run = (await asked.json()) as {
    status: string;
    days: { cached: number };
    file: { rows: number };
    links: { file: string };
  };
  expect(run).toMatchObject({ status: 'done' });
  expect(run.file.rows).toBeGreaterThan(0);
  const file = await fetch(up.url + run.links.file, { headers: authorization });
  const sha256 = sha256Of(new Uint8Array(await file.arrayBuffer()));
  return { sha256, cached: run.days.cached };
}

/** By command: as a client of `up` where it runs in that home, else all of it by itself. */
async function byCommand(
  environment: Environment,
  report: string,
  format: string,
  dates: readonly string[],
  ...flags: string[]
): Promise<string> {
  const out = join(environment.DAYBOOK_HOME, `${report}.${format}`);
  await daybookDone(
    environment,
    ...['export', report, '--tenant', 'acme', '--from', dates[0], '--to', dates[dates.length - 1]],
    ...['--format', format, '--out', out, ...flags],
  );
  return sha256Of(readFileSync(out));
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A report in each format, all at once. */
async function inEveryFormat(work: (report: string, format: string) => Promise<void>) {
  await Promise.all(FORMATS.map((format, i) => work(REPORTS[i], format)));
}

describe.each([
  ['long past', () => settled, 3],
  ['that ends today', () => untilToday, 2],
] as const)('a period %s', (_, dates, mayBeKept) => {
  it.each(FORMATS)(
    'gives every report as %s the same bytes again, from kept days or new ones',
    async (format) => {
      for (const report of REPORTS) {
        const { sha256 } = await overHttp(report, format, dates());
        expect(await overHttp(report, format, dates()), report).toEqual({
          sha256,
          cached: mayBeKept,
        });
      }
    },
  );

  it('gives the same bytes without the cache, in every format', async () => {
    await inEveryFormat(async (report, format) => {
      const { sha256 } = await overHttp(report, format, dates());
      expect(await byCommand(served, report, format, dates(), '--no-cache')).toBe(sha256);
    });
  });

  it('gives the same bytes when all kept days are gone from the disk', async () => {
    const { sha256 } = await overHttp('calls', 'xlsx', dates());
    rmSync(join(served.DAYBOOK_HOME, 'parts'), { recursive: true });
    expect((await overHttp('calls', 'xlsx', dates())).sha256).toBe(sha256);
    expect(await overHttp('calls', 'xlsx', dates())).toEqual({ sha256, cached: mayBeKept });
  });

  it('gives the same bytes in a process of its own, with a home of its own', async () => {
    await inEveryFormat(async (report, format) => {
      const { sha256 } = await overHttp(report, format, dates());
      expect(await byCommand(alone, report, format, dates())).toBe(sha256);
    });
  });
});
