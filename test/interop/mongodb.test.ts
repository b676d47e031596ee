import { randomBytes } from 'node:crypto';
import { type Collection, BSON as Library, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseLoadMap } from '../../src/mapping/parse-load-map.ts';
import { type CellValue, cellAt } from '../../src/reports/chunk.ts';
import { datasetOf } from '../../src/reports/dataset.ts';
import type { ForeignSource } from '../../src/sources/foreign-source.ts';
import { openMongo } from '../../src/sources/mongodb/mongodb-source.ts';
import { type MongoServer, openMongoServer } from './support/ferretdb.ts';

/** Calls in a real server of MongoDB's protocol: pages, types, changes, and its death on the way. */

const MAP = {
  fields: {
    ...{ external_id: 'callId', started_at: 'startedAt', ended_at: 'endedAt' },
    ...{ answered_at: 'answeredAt', caller: 'from.number', callee: 'to', queue: 'queue' },
    ...{ agent: 'agent', trunk: 'trunk', disposition: 'status' },
    ...{ wait_seconds: 'wait', talk_seconds: 'talk' },
  },
};
const dayOf = (date: string) => ({ start: Date.parse(date), end: Date.parse(date) + 86_400_000 });
/** Several batches of a cursor. */
const MANY = 10_001;
/** More than a chunk has: rows come out while there are batches to come. */
const MORE = 45_000;
/** The server keeps its documents in SQLite, on as many cores as the test has. */
vi.setConfig({ testTimeout: 300_000 });

let server: MongoServer;
let client: MongoClient;
let calls: Collection;
let source: ForeignSource;
const database = `daybook_interop_${randomBytes(4).toString('hex')}`;

beforeAll(async () => {
  server = await openMongoServer();
  client = new MongoClient(`mongodb://${server.host}/`, { directConnection: true });
  calls = client.db(database).collection('cdrs');
  await calls.createIndex({ startedAt: 1 });
  source = openMongo(
    {
      settings: { host: server.host, database, tls: 'off' },
      credentials: {},
      reach: async (name) => name,
    },
    {
      ...{ dataset: 'calls', from: 'cdrs', map: parseLoadMap(MAP, datasetOf('calls')) },
      ...{ anchorColumn: 'startedAt', keyColumn: 'callId', updatedColumn: 'updatedAt' },
      only: { column: 'account.id', equals: 'acme' },
    },
  );
});
afterAll(async () => {
  await source?.close();
  if (server?.process === null) await client.db(database).dropDatabase();
  await client?.close();
  await server?.stop();
});

/** Two of three are of `acme`; three share each second. */
function documentAt(date: string, index: number) {
  const started = new Date(dayOf(date).start + Math.floor(index / 3) * 1000);
  return {
    ...{ callId: `c-${String(index).padStart(6, '0')}`, startedAt: started, endedAt: started },
    ...{ account: { id: index % 3 === 0 ? 'other' : 'acme' }, status: 'answered' },
    ...{ from: { number: `+3519${index}` }, talk: index % 60, updatedAt: started },
  };
}

async function fill(date: string, count: number): Promise<string[]> {
  const documents = Array.from({ length: count }, (_, index) => documentAt(date, index));
  for (let at = 0; at < count; at += 5_000) await calls.insertMany(documents.slice(at, at + 5_000));
  return documents.filter(({ account }) => account.id === 'acme').map(({ callId }) => callId);
}

async function read(date: string, onChunk: () => Promise<void> = async () => {}) {
  const request = { tenantId: '', dataset: 'calls' as const, window: dayOf(date) };
  const signal = AbortSignal.timeout(240_000);
  return source.read({ ...request, signal }, async ({ version, chunks }) => {
    const rows: Record<string, CellValue>[] = [];
    for await (const chunk of chunks) {
      for (let row = 0; row < chunk.rows; row++) {
        const cells = [...chunk.columns].map(([name, column]) => [name, cellAt(column, row)]);
        rows.push(Object.fromEntries(cells));
      }
      await onChunk();
    }
    return { version, rows };
  });
}

const idsOf = (rows: readonly Record<string, CellValue>[]) => rows.map((row) => row['external_id']);

it('every document of the tenant comes once and in order, over several batches of a cursor', async () => {
  const mine = await fill('2026-03-01', MANY);
  const { rows, version } = await read('2026-03-01');
  expect(idsOf(rows)).toEqual(mine);
  expect(version.rows).toBe(mine.length);
  expect(await source.check(AbortSignal.timeout(30_000))).toMatchObject({
    server: expect.stringMatching(/^MongoDB \d/),
  });
});

it('numbers, dates, texts and sub-documents are what was stored', async () => {
  const { start } = dayOf('2026-03-02');
  await calls.insertOne({
    ...{ callId: 'types', startedAt: new Date(start + 1), endedAt: new Date(start + 61_001) },
    ...{ account: { id: 'acme' }, status: 'answered', answeredAt: null },
    from: { number: Library.Long.MAX_VALUE },
    ...{ to: 1234567.125, queue: { name: '=1+1', tags: ['a', true] }, agent: 'Zoë "Müller"' },
    ...{ trunk: new Library.ObjectId('0123456789abcdef01234567') },
    ...{
      wait: new Library.Double(3),
      talk: Library.Long.fromNumber(60),
      updatedAt: new Date(start),
    },
  });
  const { rows } = await read('2026-03-02');
  expect(rows).toEqual([
    expect.objectContaining({
      ...{ external_id: 'types', started_at: start + 1, ended_at: start + 61_001 },
      ...{ answered_at: null, caller: '9223372036854775807', callee: '1234567.125' },
      ...{ queue: '{"name":"=1+1","tags":["a",true]}', agent: 'Zoë "Müller"' },
      ...{ trunk: '0123456789abcdef01234567', wait_seconds: 3, talk_seconds: 60 },
    }),
  ]);
});

it('a day has another version when a document is changed, added or removed, and only then', async () => {
  await fill('2026-03-03', 30);
  const fingerprint = async () => {
    const asked = { tenantId: '', dataset: 'calls' as const, windows: [dayOf('2026-03-03')] };
    const [version] = await source.versions({ ...asked, signal: AbortSignal.timeout(30_000) });
    return version.fingerprint;
  };
  const seen = [await fingerprint()];
  const callId = 'c-000004';
  const startedAt = { $gte: new Date(dayOf('2026-03-03').start) };
  await calls.updateOne({ callId, startedAt }, { $set: { talk: 1, updatedAt: new Date() } });
  seen.push(await fingerprint());
  await calls.deleteOne({ callId: 'c-000005', startedAt });
  seen.push(await fingerprint());
  await calls.insertOne({ ...documentAt('2026-03-03', 31), updatedAt: new Date(0) });
  seen.push(await fingerprint());
  expect(new Set(seen).size).toBe(4);
  await calls.insertOne({ ...documentAt('2026-03-03', 33), updatedAt: new Date() });
  expect(await fingerprint()).toBe(seen[3]);
});

it('a server that dies and comes again in the middle of a day leaves no row out and gives none twice', async (test) => {
  if (server.process === null) return test.skip('the server that MONGODB_URL names is not ours');
  const mine = await fill('2026-03-04', MORE);
  let deaths = 0;
  const { rows, version } = await read('2026-03-04', async () => {
    if (deaths > 0) return;
    deaths += 1;
    await server.process?.kill();
    await server.process?.start();
  });
  expect(deaths).toBe(1);
  expect(idsOf(rows)).toEqual(mine);
  expect(version.rows).toBe(mine.length);
});

it('a server that does not come again fails the day and says so', async (test) => {
  if (server.process === null) return test.skip('the server that MONGODB_URL names is not ours');
  const reading = read('2026-03-04', async () => server.process?.kill());
  await expect(reading).rejects.toMatchObject({ code: 'E_UNAVAILABLE', retryable: true });
  await server.process.start();
  expect((await read('2026-03-01')).rows).toHaveLength(6_667);
});
