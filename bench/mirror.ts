import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { createApiKey } from '../src/store/api-keys.ts';
import { openDatabase } from '../src/store/database.ts';
import { startEmbeddedPostgres } from '../src/store/embedded-postgres.ts';
import { migrate } from '../src/store/migrate.ts';
import { addTenant } from '../src/store/tenants.ts';
import { bodiesOf, peakOf } from './ingest.ts';
import { startDaybook } from './live-daybook.ts';
import { loadOurs, onServer, writeCalls } from './load.ts';
import { type BenchOptions, type BenchRow, rowOf, secondsOf, tableOf } from './row.ts';

/**
 * Calls as snapshots over HTTP to a live `up`: all parts sent, and the commit. Beside them what a
 * plain load of the same rows from a file takes in this process, first into nothing, then again.
 */

const AT_ONCE = 2;

export async function benchMirror({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rows = quick ? 100_000 : 1_000_000;
  const runs = quick ? 1 : 2;
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-mirror-'));
  const server = await startEmbeddedPostgres({ home: join(folder, 'home') });
  const urlOf = (name: string) => server.url.replace(/\/daybook$/, `/${name}`);
  try {
    const file = join(folder, 'calls.csv');
    await writeCalls(file, rows);
    const bodies = await bodiesOf(file);
    await onServer(server.url, 'create database bench_template');
    await migrate(urlOf('bench_template'));
    const first: { ours: number; theirs: number }[] = [];
    const second: { ours: number; theirs: number }[] = [];
    const peaks: { few: number; many: number }[] = [];
    const onBench = async <T>(work: (url: string) => Promise<T>): Promise<T> => {
      await onServer(server.url, 'create database bench template bench_template', 'checkpoint');
      try {
        return await work(urlOf('bench'));
      } finally {
        await onServer(server.url, 'drop database bench with (force)');
      }
    };
    for (let run = 0; run < runs; run++) {
      const home = join(folder, `run-${run}`);
      const ours = await onBench((url) => mirrorTwice(url, bodies, rows, home));
      const theirs = await onBench((url) => loadOurs(url, file, rows));
      say(
        `mirror: ${ours.first.toFixed(2)} s, changed ${ours.second.toFixed(2)} s; ` +
          `load: ${theirs.first.toFixed(2)} s, again ${theirs.second.toFixed(2)} s`,
      );
      first.push({ ours: ours.first, theirs: theirs.first });
      second.push({ ours: ours.second, theirs: theirs.second });
      peaks.push(ours);
    }
    const most = peaks.reduce((one, other) => (other.many > one.many ? other : one));
    return [
      rowOf(`mirror ${rows} calls into nothing`, 's', 'a plain load of them from a file', first),
      rowOf(
        `mirror them again, one in a hundred changed, one gone`,
        's',
        'the plain load again, where nothing changes',
        second,
      ),
      {
        figure: 'peak memory of api and runner',
        ours: most.many,
        theirs: most.few,
        ratio: most.many / most.few,
        unit: 'MB',
        note: `after snapshots of ${rows} rows beside after one of a tenth of them`,
      },
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function mirrorTwice(url: string, bodies: readonly Buffer[], rows: number, home: string) {
  const small = await keyOf(url, 'small');
  const token = await keyOf(url, 'bench');
  const daybook = await startDaybook(url, home);
  const mirror = (parts: readonly Buffer[], of: number, as: string) =>
    mirrorOnce(`${daybook.url}/v1/ingest/calls/mirror`, as, parts, of);
  try {
    const tenth = bodies.slice(0, Math.max(1, Math.round(bodies.length / 10)));
    await mirror(tenth, countOf(tenth), small);
    const few = peakOf(daybook.pid);
    const first = await secondsOf(() => mirror(bodies, rows, token));
    const changed = changeOf(bodies);
    const second = await secondsOf(() => mirror(changed, countOf(changed), token));
    return { first, second, few, many: peakOf(daybook.pid) };
  } finally {
    await daybook.stop();
  }
}

async function mirrorOnce(
  base: string,
  token: string,
  parts: readonly Buffer[],
  rows: number,
): Promise<void> {
  const post = async (path: string, type: string, body: Uint8Array, coding = {}) => {
    const answer = await fetch(`${base}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type, ...coding },
      body: new Uint8Array(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const json = (path: string, body: object) =>
    post(path, 'application/json', Buffer.from(JSON.stringify(body)));
  const { id } = await json('', { source: 'bench' });
  let next = 0;
  const send = async () => {
    for (let at = next++; at < parts.length; at = next++) {
      const packed = gzipSync(parts[at], { level: 1 });
      await post(`/${id}/rows?part=${at}`, 'application/x-ndjson', packed, {
        'content-encoding': 'gzip',
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  await json(`/${id}/commit`, { rows });
}

const countOf = (parts: readonly Buffer[]) =>
  parts.reduce((sum, part) => sum + part.toString('latin1').split('\n').length - 1, 0);

/** Of every hundred rows one is gone and one has another caller. */
function changeOf(bodies: readonly Buffer[]): Buffer[] {
  return bodies.map((body) => {
    const lines = body.toString('utf8').trimEnd().split('\n');
    const kept = lines.filter((_, i) => i % 100 !== 7);
    return Buffer.from(
      kept.map((line, i) => `${i % 100 === 50 ? lineChanged(line) : line}\n`).join(''),
    );
  });
}

const lineChanged = (line: string) =>
  JSON.stringify({ ...(JSON.parse(line) as object), caller: '+15550100' });

async function keyOf(url: string, name: string): Promise<string> {
  const database = openDatabase({
    ...{ url, maxConnections: 1, applicationName: 'bench', log: pino({ level: 'silent' }) },
  });
  try {
    return await database.asSystem(async (tx) => {
      const { id: tenantId } = await addTenant(tx, { name, zone: 'UTC' });
      const key = { tenantId, name: 'bench', scopes: ['load' as const], createdBy: 'bench' };
      return (await createApiKey(tx, key)).token;
    });
  } finally {
    await database.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const rows = await benchMirror({ quick: process.argv.includes('--quick'), say });
  process.stdout.write(`${tableOf(rows)}\n`);
}
