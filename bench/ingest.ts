import { createHmac, randomUUID } from 'node:crypto';
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pino } from 'pino';
import { installationKeys } from '../src/delivery/installation-secret.ts';
import { createIngestKey } from '../src/ingest/signed/create-key.ts';
import { openDatabase } from '../src/store/database.ts';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { migrate } from '../src/store/migrate.ts';
import { addTenant } from '../src/store/tenants.ts';
import { BENCH_SECRET, startDaybook } from './live-daybook.ts';
import { loadTheirs, onServer, writeCalls } from './load.ts';
import { type BenchOptions, type BenchRow, rowOf, tableOf } from './row.ts';

/**
 * Calls over signed HTTP to a live `up`, until the last of them is loaded: signing, sending, the
 * durable queue and the merge. Beside it what `bench/load.ts` has: `psql \copy` of the same rows
 * from CSV into a temporary table and one merge.
 */

const ROWS_PER_BATCH = 20_000;
const AT_ONCE = 2;
const LONGEST_MS = 30 * 60_000;

export async function benchIngest({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rows = quick ? 100_000 : 1_000_000;
  const runs = quick ? 1 : 3;
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-ingest-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'home') });
  const urlOf = (name: string) => server.url.replace(/\/daybook$/, `/${name}`);
  try {
    const file = join(folder, 'calls.csv');
    await writeCalls(file, rows);
    const bodies = await bodiesOf(file);
    await onServer(server.url, 'create database bench_template');
    await migrate(urlOf('bench_template'));
    const rounds: { ours: number; theirs: number }[] = [];
    const peaks: { few: number; half: number; many: number }[] = [];
    for (let run = 0; run < runs; run++) {
      const round = { ours: 0, theirs: 0 };
      for (const side of run % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
        await onServer(server.url, 'create database bench template bench_template', 'checkpoint');
        if (side === 'ours') {
          const sent = await sendAll(urlOf('bench'), bodies, rows, join(folder, `run-${run}`));
          round.ours = sent.seconds;
          peaks.push(sent);
        } else round.theirs = await loadTheirs(urlOf('bench'), file, rows);
        await onServer(server.url, 'drop database bench with (force)');
      }
      say(`ingest: ${round.ours.toFixed(2)} s, psql ${round.theirs.toFixed(2)} s`);
      rounds.push(round);
    }
    const most = peaks.reduce((one, other) => (other.many > one.many ? other : one));
    return [
      rowOf(
        `ingest ${rows} calls over signed HTTP until loaded`,
        's',
        `psql \\copy to a temporary table and the same merge; batches of ${ROWS_PER_BATCH} rows`,
        rounds,
      ),
      {
        figure: 'peak memory of api and runner',
        ours: most.many,
        theirs: most.half,
        ratio: most.many / most.half,
        unit: 'MB',
        note: `after all ${rows} rows beside after half of them; after a tenth ${Math.round(most.few)}`,
      },
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The rows of the CSV as a switch would send them: NDJSON, values that are none left out. */
export async function bodiesOf(file: string): Promise<Buffer[]> {
  const bodies: Buffer[] = [];
  let names: string[] = [];
  let held: string[] = [];
  const flush = () => {
    bodies.push(Buffer.from(held.join('')));
    held = [];
  };
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const values = line.split(',');
    if (names.length === 0) {
      names = values;
      continue;
    }
    const row: Record<string, string | number> = {};
    values.forEach((value, i) => {
      if (value !== '') row[names[i]] = names[i].endsWith('_seconds') ? Number(value) : value;
    });
    held.push(`${JSON.stringify(row)}\n`);
    if (held.length === ROWS_PER_BATCH) flush();
  }
  if (held.length > 0) flush();
  return bodies;
}

async function sendAll(url: string, bodies: readonly Buffer[], rows: number, home: string) {
  const key = await keyOf(url);
  const daybook = await startDaybook(url, home);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const since = performance.now();
    let next = 0;
    const send = async () => {
      for (let at = next++; at < bodies.length; at = next++) {
        await post(daybook.url, key, bodies[at]);
      }
    };
    const sending = Promise.all(Array.from({ length: AT_ONCE }, send));
    const deadline = performance.now() + LONGEST_MS;
    let [few, half] = [0, 0];
    for (let loaded = 0; loaded < bodies.length; ) {
      if (performance.now() > deadline) throw new Error(`${loaded} of ${bodies.length} batches`);
      const pause = new Promise((resolve) => setTimeout(resolve, 50));
      // Whichever is over first: a batch that was refused ends the waiting.
      await Promise.all([pause, Promise.race([pause, sending])]);
      const { rows: found } = await client.query<{ loaded: number }>(
        `select count(*)::int as loaded from daybook.ingest_batches where state = 'loaded'`,
      );
      loaded = found[0].loaded;
      if (few === 0 && loaded * 10 >= bodies.length) few = peakOf(daybook.pid);
      if (half === 0 && loaded * 2 >= bodies.length) half = peakOf(daybook.pid);
    }
    await sending;
    const seconds = (performance.now() - since) / 1000;
    const counted = await client.query<{ n: number }>(
      'select count(*)::int as n from daybook.calls',
    );
    if (counted.rows[0].n !== rows) throw new Error(`${counted.rows[0].n} rows, expected ${rows}`);
    return { seconds, few, half, many: peakOf(daybook.pid) };
  } finally {
    await client.end();
    await daybook.stop();
  }
}

interface Key {
  readonly id: string;
  readonly secret: Buffer;
}

async function keyOf(url: string): Promise<Key> {
  const database = openDatabase({
    ...{ url, maxConnections: 1, applicationName: 'bench', log: pino({ level: 'silent' }) },
  });
  try {
    const tenant = await database.asSystem((tx) => addTenant(tx, { name: 'bench', zone: 'UTC' }));
    const { id, secret } = await database.asTenant(tenant.id, (tx) =>
      createIngestKey(
        tx,
        {
          ...{ tenantId: tenant.id, name: 'bench', source: null, scheme: 'standard' as const },
          ...{ secret: null, header: null, prefix: null, idHeader: null, datasets: [], maps: {} },
          ...{ createdBy: 'bench', expiresAt: null },
        },
        installationKeys(BENCH_SECRET),
      ),
    );
    return { id, secret: Buffer.from(secret.slice('whsec_'.length), 'base64') };
  } finally {
    await database.close();
  }
}

async function post(base: string, key: Key, body: Buffer): Promise<void> {
  const id = randomUUID();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const hmac = createHmac('sha256', key.secret).update(`${id}.${timestamp}.`).update(body);
  const answer = await fetch(`${base}/v1/ingest/calls`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-ndjson',
      'webhook-key-id': key.id,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${hmac.digest('base64')}`,
    },
    body: new Uint8Array(body),
  });
  if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** Megabytes: the most that the API processes and the runner held at any time, together. */
export function peakOf(primary: number): number {
  let sum = 0;
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) !== primary) continue;
      const role = /DAYBOOK_ROLE=(\w+)/.exec(readFileSync(`/proc/${name}/environ`, 'utf8'))?.[1];
      if (role !== 'api' && role !== 'runner') continue;
      sum += Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const rows = await benchIngest({ quick: process.argv.includes('--quick'), say });
  process.stdout.write(`${tableOf(rows)}\n`);
}
