import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { compilePriceList } from '../src/billing/price-list.ts';
import { rateCall } from '../src/billing/rate-call.ts';
import type { PlanTerms, RateRow } from '../src/billing/rate-plan.ts';
import { stepsAsText } from '../src/billing/round-amount.ts';
import { randomOf } from '../src/demo/random.ts';
import { createLogger } from '../src/log.ts';
import { type Decimal, parseDecimal } from '../src/money/decimal.ts';
import { createPriceBooks } from '../src/scheduler/rating/price-book.ts';
import { rateNew } from '../src/scheduler/rating/rate-new.ts';
import { createPostgresSource } from '../src/sources/postgres/postgres-source.ts';
import { openDatabase } from '../src/store/database.ts';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { migrate } from '../src/store/migrate.ts';
import { putPlan } from '../src/store/rate-plans.ts';
import { putVersion } from '../src/store/rate-versions.ts';
import { addTenant, type Tenant } from '../src/store/tenants.ts';
import { psql } from './psql.ts';
import { type BenchOptions, type BenchRow, rowOf, secondsOf, tableOf } from './row.ts';

/**
 * Rating: calls a second in one thread under a list of 20,000 prefixes, beside the same arithmetic
 * in bigints with a look-up per prefix length; and calls of a month charged and posted end to end,
 * beside one SQL statement that does as much of it as a person would type.
 */

const PREFIXES = 20_000;
const MONTH = Date.UTC(2024, 0, 1);

const TERMS: PlanTerms = {
  name: 'standard',
  currency: 'EUR',
  zone: 'Europe/Lisbon',
  direction: 'outbound',
  prefixOf: 'callee',
  rounding: 'half_up',
  roundingScale: 4,
  freeSeconds: 0,
  minimumCharge: null,
  maximumCharge: null,
  windows: {},
};

export async function benchRating({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rows = priceList();
  return [
    rateInThread(rows, quick ? 200_000 : 1_000_000, quick ? 3 : 5, say),
    await chargeAndPost(rows, quick ? 100_000 : 1_000_000, quick ? 3 : 5, say),
  ];
}

/** Prefixes of two to seven digits; some have a second group, some a window. */
function priceList(): RateRow[] {
  const random = randomOf('rates');
  const prefixes = new Set<string>();
  while (prefixes.size < PREFIXES) {
    const digits = Array.from({ length: random.between(2, 7) }, () => random.between(0, 9));
    prefixes.add(digits.join(''));
  }
  const decimal = (text: string) => parseDecimal(text) as Decimal;
  return [...prefixes].flatMap((prefix, index) => {
    const row: RateRow = {
      prefix,
      window: '',
      fromSecond: 0,
      description: null,
      connectFee: decimal(index % 3 === 0 ? '0.01' : '0'),
      rate: decimal(`0.${String(random.between(50, 9_999)).padStart(4, '0')}`),
      rateUnitSeconds: 60,
      incrementSeconds: [1, 6, 60][index % 3],
      minimumSeconds: [0, 30, 60][index % 3],
    };
    if (index % 4 === 0) return [row, { ...row, fromSecond: 600, minimumSeconds: 0 }];
    return index % 4 === 1 ? [row, { ...row, window: 'mon-fri 08:00-20:00' }] : [row];
  });
}

function rateInThread(
  rows: readonly RateRow[],
  calls: number,
  runs: number,
  say: BenchOptions['say'],
): BenchRow {
  const list = compilePriceList(TERMS, 0, rows);
  const random = randomOf('numbers');
  const numbers = Array.from(
    { length: 100_000 },
    () => `+${Array.from({ length: 12 }, () => random.between(0, 9)).join('')}`,
  );
  const time = (i: number) => MONTH + Math.floor((i * 31 * 86_400_000) / calls);
  const byPrefix = new Map(list.entries.map((entry) => [entry.prefix, entry]));

  const ours = () => {
    let digits = 0;
    for (let i = 0; i < calls; i++) {
      const call = rateCall(list, numbers[i % numbers.length], time(i), (i * 7) % 600);
      if (typeof call !== 'string') digits += stepsAsText(call.steps, 4).length;
    }
    return digits;
  };
  /** No windows, no second group: what is looked up and multiplied at least. */
  const theirs = () => {
    let digits = 0;
    for (let i = 0; i < calls; i++) {
      const number = numbers[i % numbers.length].replace(/\D/g, '');
      for (let length = 7; length > 0; length--) {
        const entry = byPrefix.get(number.slice(0, length));
        const group = entry?.groups.at(-1)?.[0];
        if (!entry || !group) continue;
        const increment = BigInt(group.incrementSeconds);
        const seconds = ((BigInt((i * 7) % 600) + increment - 1n) / increment) * increment;
        const parts = (group.connectParts + seconds * group.partsPerSecond) * entry.multiplier;
        digits += String((parts * 2n + entry.divisor) / (entry.divisor * 2n)).length;
        break;
      }
    }
    return digits;
  };
  const perSecond = (work: () => number) => {
    const since = performance.now();
    if (work() === 0) throw new Error('nothing was rated');
    return calls / ((performance.now() - since) / 1000);
  };
  perSecond(ours);
  perSecond(theirs);
  const rounds = Array.from({ length: runs }, () => ({
    ours: perSecond(ours),
    theirs: perSecond(theirs),
  }));
  say(`rating: ${rounds.map((round) => Math.round(round.ours)).join(', ')} calls/s`);
  return rowOf(
    `calls rated in one thread, ${PREFIXES} prefixes`,
    'calls/s',
    'a Map by prefix length and bigints, without windows or groups; more is better',
    rounds,
  );
}

async function chargeAndPost(
  rows: readonly RateRow[],
  calls: number,
  runs: number,
  say: BenchOptions['say'],
): Promise<BenchRow> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-rating-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'home') });
  try {
    const template = server.url.replace(/\/daybook$/, '/bench_template');
    await onServer(server.url, 'create database bench_template');
    await migrate(template);
    const tenant = await prepare(template, rows, calls);
    const rounds: { ours: number; theirs: number }[] = [];
    for (let run = 0; run < runs; run++) {
      const seconds = { ours: 0, theirs: 0 };
      for (const side of run % 2 === 0
        ? (['ours', 'theirs'] as const)
        : (['theirs', 'ours'] as const)) {
        await onServer(server.url, 'create database bench template bench_template', 'checkpoint');
        const url = server.url.replace(/\/daybook$/, '/bench');
        seconds[side] = await (side === 'ours' ? passOver(url, calls) : bySql(url, tenant, calls));
        await onServer(server.url, 'drop database bench with (force)');
      }
      say(`charged and posted: ${seconds.ours.toFixed(1)} s, SQL ${seconds.theirs.toFixed(1)} s`);
      rounds.push(seconds);
    }
    const note = 'one insert … select by psql: no windows, no second group, no ledger, no versions';
    return rowOf(`${calls} calls rated and posted, end to end`, 's', note, rounds);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const open = (url: string) =>
  openDatabase({
    url,
    maxConnections: 4,
    applicationName: 'bench',
    log: createLogger({ level: 'silent', role: 'bench' }),
  });

/** A tenant with its rates and the calls of a month, written by the database itself. */
async function prepare(url: string, rows: readonly RateRow[], calls: number): Promise<Tenant> {
  const database = open(url);
  try {
    const zone = 'Europe/Lisbon';
    const tenant = await database.asSystem((tx) =>
      addTenant(tx, { name: 'bench', zone, currency: 'EUR' }),
    );
    await database.asTenant(
      tenant.id,
      async (tx) => {
        const of = { tenantId: tenant.id, tenantCurrency: 'EUR', changedBy: 'bench' };
        await putPlan(tx, { ...of, name: 'standard' });
        await putVersion(tx, {
          ...{ tenantId: tenant.id, plan: 'standard', validFrom: Date.UTC(2023, 0, 1), rows },
          ...{ fileName: 'rates.csv', loadedBy: 'bench' },
        });
        await tx.run(
          `insert into daybook.calls (tenant_id, external_id, started_at, answered_at, ended_at,
             direction, caller, callee, agent, disposition, talk_seconds)
           select $1, 'call-' || lpad(i::text, 8, '0'), at, at + interval '9 s',
             at + make_interval(secs => 9 + i * 7 % 600), 'outbound', '+35121' || i % 9999,
             '+' || lpad((i::bigint * 7919 % 1000000000000)::text, 12, '0'), 'agent-' || i % 120,
             'answered', i * 7 % 600
           from (select i, timestamptz '2024-01-01Z' + i * (interval '31 days' / $2) as at
                 from generate_series(0, $2 - 1) i) c`,
          [tenant.id, calls],
        );
      },
      { statementTimeoutMs: 600_000 },
    );
    await database.asOwner((tx) => tx.run('analyze'));
    return tenant;
  } finally {
    await database.close();
  }
}

async function passOver(url: string, calls: number): Promise<number> {
  const database = open(url);
  try {
    const source = createPostgresSource(database);
    const openBook = createPriceBooks(database);
    const { signal } = new AbortController();
    let seen = 0;
    const seconds = await secondsOf(async () => {
      const deps = { database, source, openBook, holder: 'bench', lookBackMs: null };
      seen = (await rateNew(Date.now(), deps, signal))?.calls ?? 0;
    });
    if (seen !== calls) throw new Error(`rated ${seen} calls, expected ${calls}`);
    return seconds;
  } finally {
    await database.close();
  }
}

/** What a person who knows SQL would type, under the same role and policies. */
async function bySql(url: string, tenant: Tenant, calls: number): Promise<number> {
  const claims = JSON.stringify({ app_metadata: { tenant_id: tenant.id } });
  const seconds = await secondsOf(() =>
    psql(url, [
      'begin',
      'set local role daybook_tenant',
      `select set_config('request.jwt.claims', '${claims}', true)`,
      `insert into daybook.charges (tenant_id, external_id, started_at, billed_on, status, reason,
         payer, direction, caller, callee, agent, actual_seconds, billed_seconds, plan, plan_from,
         prefix, rate, rate_unit_seconds, increment_seconds, minimum_seconds, connect_fee, rounding,
         rounding_step, amount, currency)
       select c.tenant_id, c.external_id, c.started_at,
         (c.started_at at time zone 'Europe/Lisbon')::date,
         case when r.prefix is null then 'unrated' else 'rated' end,
         case when r.prefix is null then 'no_rate' end, 'bench', c.direction, c.caller, c.callee,
         c.agent, c.talk_seconds, b.billed, case when r.prefix is not null then 'standard' end,
         r.valid_from, r.prefix, r.rate, r.rate_unit_seconds, r.increment_seconds,
         r.minimum_seconds, r.connect_fee, 'half_up', 0.0001,
         round(r.connect_fee + b.billed * r.rate / r.rate_unit_seconds, 4),
         case when r.prefix is not null then 'EUR' end
       from daybook.calls c
       left join (
         select distinct on (c.external_id) c.external_id as call, r.*
         from daybook.calls c cross join generate_series(2, 7) n
         join daybook.rates r on r.prefix = left(substr(c.callee, 2), n)
         where r.time_window = '' and r.from_second = 0
         order by c.external_id, n desc) r on r.call = c.external_id
       left join lateral (
         select greatest(r.minimum_seconds, ceil(c.talk_seconds::numeric / r.increment_seconds)
           * r.increment_seconds) as billed where r.prefix is not null) b on true`.replace(
        /\s+/g,
        ' ',
      ),
      'commit',
    ]),
  );
  const [{ count }] = await onServer(url, 'select count(*) from daybook.charges');
  if (Number(count) !== calls) throw new Error(`SQL left ${count} charges, expected ${calls}`);
  return seconds;
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
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const rows = await benchRating({ quick: process.argv.includes('--quick'), say });
  process.stdout.write(`${tableOf(rows)}\n`);
}
