import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../faults/support/daybook.ts';
import type { TestDatabase } from '../support/database.ts';
import { daybookDone, type RunningUp, startUp } from '../support/daybook-command.ts';
import { freshHome } from '../support/embedded.ts';
import { BANK, BANK_MONTHS, SHOP } from '../support/real-figures.ts';
import { realDatabase } from '../support/real-loads.ts';
import { hasSharedData } from '../support/shared-data.ts';
import { linesOfCsv, sumOf } from '../support/tables.ts';

/** Real files over HTTP: `up` as people run it. */

interface Run {
  readonly id: string;
  readonly status: string;
  readonly days: { readonly total: number; readonly done: number; readonly cached: number };
  readonly file: {
    readonly bytes: number;
    readonly sha256: string | null;
    readonly rows: number;
    readonly name: string;
  } | null;
  readonly links: { readonly self: string; readonly file: string; readonly events: string };
}
interface Summary {
  readonly rows: number;
  readonly totals: { readonly lines: Record<string, string | number | null>[] };
  readonly groups: { readonly lines: Record<string, string | number | null>[] };
}

let test: TestDatabase;
let environment: Record<string, string>;
let up: RunningUp;
let bankKey: string;
let shopKey: string;

beforeAll(async () => {
  if (!hasSharedData) return;
  test = await realDatabase();
  environment = {
    DATABASE_URL: test.url,
    DAYBOOK_HOME: freshHome(),
    DAYBOOK_SECRET: 'a secret of forty characters, for tests.',
    LOG_LEVEL: 'error',
  };
  up = await startUp(environment, ['--no-demo']);
  const key = (tenant: string) =>
    daybookDone(environment, 'tenant', 'key', tenant, '--scope', 'admin');
  bankKey = (await key(BANK.tenant)).trim();
  shopKey = (await key(SHOP.tenant)).trim();
});
afterAll(async () => {
  expect(await up?.stop()).toBe(hasSharedData ? 0 : undefined);
  await test?.drop();
});

function ask(path: string, key: string, options: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, ...options.headers };
  return fetch(up.url + path, { ...options, headers });
}

async function answer<T>(path: string, key: string, options?: RequestInit): Promise<T> {
  const response = await ask(path, key, options);
  expect({ path, status: response.status }).toEqual({ path, status: 200 });
  return (await response.json()) as T;
}

function post(body: object, key: string, prefer = 'wait=60'): Promise<Response> {
  return ask('/v1/exports', key, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer },
    body: JSON.stringify(body),
  });
}

/** Asks, waits, fetches, and holds the file against what was said of it. */
async function exported(body: object, key: string): Promise<{ run: Run; bytes: Buffer }> {
  const run = (await (await post(body, key)).json()) as Run;
  expect(run).toMatchObject({ status: 'done' });
  const bytes = Buffer.from(await (await ask(run.links.file, key)).arrayBuffer());
  expect(bytes.length).toBe(run.file?.bytes);
  return { run, bytes };
}

const numberOf = (value: string | number | null) => Number(value);

describe.skipIf(!hasSharedData)('real files over HTTP', () => {
  it('come out as the rows that are known, the same bytes as by command', async () => {
    const body = { report: 'calls', ...BANK.period, format: 'csv' };
    const { run, bytes } = await exported(body, bankKey);
    expect(run.file?.rows).toBe(BANK_MONTHS[0].figures.rows + BANK_MONTHS[1].figures.rows);
    expect(run.days).toMatchObject({ total: 304, done: 304 });
    const out = join(environment.DAYBOOK_HOME, 'by-command.csv');
    await daybookDone(
      environment,
      ...['export', 'calls', '--tenant', BANK.tenant, '--out', out, '--no-cache'],
      ...['--from', BANK.period.from, '--to', BANK.period.to],
    );
    expect(readFileSync(out).equals(bytes)).toBe(true);
    const sha256 = await until(async () => {
      const { file } = await answer<Run>(run.links.self, bankKey);
      return file?.sha256 ?? null;
    }, 'the file has a hash');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  });

  it('add up in exports of queues, sales and sales-daily', async () => {
    for (const { from, to, figures } of BANK_MONTHS) {
      const columns = { queue: 'text', calls: 'number', talk_seconds: 'number' } as const;
      const body = { report: 'queues', from, to, format: 'csv', headers: 'keys' };
      const { bytes } = await exported({ ...body, columns: Object.keys(columns) }, bankKey);
      const lines = linesOfCsv(bytes.toString(), columns);
      expect(sumOf(lines.map(([, calls]) => calls))).toBe(String(figures.rows));
      expect(sumOf(lines.map(([, , talk]) => talk))).toBe(String(figures.talkOfAnswered));
    }
    for (const report of ['sales', 'sales-daily']) {
      const body = { report, ...SHOP.period, format: 'csv', headers: 'keys', columns: ['net'] };
      const { bytes } = await exported(body, shopKey);
      const lines = linesOfCsv(bytes.toString(), { net: 'number' });
      expect(sumOf(lines.map(([net]) => net))).toBe(SHOP.net);
    }
  });

  it.each(BANK_MONTHS)(
    'add up in summaries of calls in $month, by day and by queue',
    async (known) => {
      const { from, to, figures } = known;
      for (const by of ['day', 'queue']) {
        const path = `/v1/reports/calls/summary?from=${from}&to=${to}&by=${by}`;
        const { rows, totals, groups } = await answer<Summary>(path, bankKey);
        const expected = {
          calls: figures.rows,
          answered: figures.answered,
          abandoned: figures.abandoned,
          ignored: figures.ignored,
          with_answered_at: figures.withAnsweredAt,
          wait_seconds: figures.wait,
          answered_talk_seconds: figures.talkOfAnswered,
          duration_seconds: figures.duration,
        };
        expect(rows).toBe(figures.rows);
        expect(totals.lines).toEqual([
          expect.objectContaining({ ...expected, longest_call: figures.longest[1] }),
        ]);
        for (const [key, total] of Object.entries(expected)) {
          const sum = groups.lines.reduce((so, line) => so + numberOf(line[key]), 0);
          expect({ by, key, sum }).toEqual({ by, key, sum: total });
        }
        if (by !== 'day') continue;
        const days = groups.lines.filter(({ calls }) => numberOf(calls) > 0);
        const busiest = days.reduce((a, b) => (numberOf(b.calls) > numberOf(a.calls) ? b : a));
        expect(days.length).toBe(figures.daysWithCalls);
        expect(Object.values(busiest)).toEqual(expect.arrayContaining([...figures.busiest]));
      }
    },
  );

  it('add up in summaries of sales by currency, exact to the last digit, month by month', async () => {
    const whole = `/v1/reports/sales/summary?from=${SHOP.period.from}&to=${SHOP.period.to}`;
    const all = await answer<Summary>(`${whole}&by=currency`, shopKey);
    expect(all.rows).toBe(SHOP.rows);
    for (const { lines } of [all.totals, all.groups]) {
      expect(lines).toEqual([
        expect.objectContaining({ currency: 'GBP', net: SHOP.net, lines: SHOP.rows }),
      ]);
    }
    const daily = await answer<Summary>(`${whole.replace('sales', 'sales-daily')}&by=day`, shopKey);
    for (const [month, net] of Object.entries(SHOP.netByMonth)) {
      const days = daily.groups.lines.filter((line) =>
        `${line.date ?? line.day}`.startsWith(month),
      );
      expect({ month, net: sumOf(days.map((line) => String(line.net))) }).toEqual({ month, net });
    }
  });

  it('tell their progress as events, each standing alone, the last one that it is done', async () => {
    const body = { report: 'agents', ...BANK.period, format: 'ndjson' };
    const asked = await post(body, bankKey, 'wait=0');
    expect(asked.status).toBe(202);
    const { links } = (await asked.json()) as Run;
    const text = await (await ask(links.events, bankKey)).text();
    const events = text
      .split('\n\n')
      .filter((block) => block.includes('event: '))
      .map((block) => ({
        name: /^event: (.*)$/m.exec(block)?.[1],
        data: JSON.parse(/^data: (.*)$/m.exec(block)![1]) as Run,
      }));
    expect(events.at(-1)).toMatchObject({
      name: 'end',
      data: { status: 'done', days: { total: 304, done: 304 } },
    });
    const done = events.map(({ data }) => data.days.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });

  it('download in parts that join to the whole', async () => {
    const { from, to } = BANK_MONTHS[0];
    const { run, bytes } = await exported({ report: 'calls', from, to, format: 'xlsx' }, bankKey);
    const third = Math.floor(bytes.length / 3);
    const parts: Buffer[] = [];
    for (const range of [`0-${third - 1}`, `${third}-${2 * third - 1}`, `${2 * third}-`]) {
      const part = await ask(run.links.file, bankKey, { headers: { range: `bytes=${range}` } });
      expect(part.status).toBe(206);
      parts.push(Buffer.from(await part.arrayBuffer()));
    }
    expect(parts[1].equals(bytes.subarray(third, 2 * third))).toBe(true);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  });

  it('cancelled on the way have no file', async () => {
    const body = { report: 'sales', ...SHOP.period, format: 'xlsx', locale: 'es' };
    const run = (await (await post(body, shopKey, 'wait=0')).json()) as Run;
    const cancel = await ask(run.links.self, shopKey, { method: 'DELETE' });
    expect([200, 202]).toContain(cancel.status);
    const text = await (await ask(run.links.events, shopKey)).text();
    expect(text).toMatch(/event: end\ndata: .*"status":"cancelled"/);
    const file = await ask(run.links.file, shopKey);
    expect(file.status).toBe(409);
    expect(await file.json()).toMatchObject({ code: 'E_CANCELLED' });
  });

  it('are unknown to the key of another tenant, to the letter as one that never was', async () => {
    const { run } = await exported({ report: 'queues', ...BANK.period, format: 'csv' }, bankKey);
    const never = '00000000-0000-4000-8000-000000000000';
    for (const [method, path] of [
      ['GET', run.links.self],
      ['GET', run.links.file],
      ['GET', run.links.events],
      ['DELETE', run.links.self],
      ['GET', `/v1/runs/${run.id}`],
    ]) {
      const foreign = await ask(path, shopKey, { method });
      const unknown = await ask(path.replace(run.id, never), shopKey, { method });
      expect({ path, status: foreign.status }).toEqual({ path, status: 404 });
      const told = async (response: Response) =>
        (await response.text()).replaceAll(run.id, never).replace(/urn:uuid:[0-9a-f-]+/, 'urn');
      expect(await told(foreign)).toBe(await told(unknown));
    }
    expect((await ask(run.links.self, bankKey)).status).toBe(200);
    const listed = await answer<{ items: Run[] }>('/v1/exports?limit=200', shopKey);
    expect(listed.items.map(({ id }) => id)).not.toContain(run.id);
    const empty = await exported({ report: 'calls', ...BANK.period, format: 'csv' }, shopKey);
    expect(empty.run.file?.rows).toBe(0);
  });
});
