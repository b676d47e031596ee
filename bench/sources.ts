import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { parseLoadMap } from '../src/mapping/parse-load-map.ts';
import { CHUNK_ROWS, type Chunk } from '../src/reports/chunk.ts';
import { datasetOf } from '../src/reports/dataset.ts';
import type { ForeignConnection, ForeignPlace } from '../src/sources/foreign-source.ts';
import { openMongo } from '../src/sources/mongodb/mongodb-source.ts';
import { ACCOUNT, CALLS_MAP, callDocuments, DAY, startMongoDay } from './mongo-day.ts';
import { type BenchOptions, type BenchRow, rowOf, secondsOf, tableOf } from './row.ts';

/**
 * A day of calls out of a MongoDB, as a compute thread reads it: chunks of typed columns in canonical
 * order, counted before and after. Beside it the driver's cursor over the same documents, to an array.
 */

/** Collections of the bench's own, on a server that was given. */
const DATABASE = 'daybook_bench';

export async function benchSources({ quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rows = quick ? 20_000 : 100_000;
  const rounds = quick ? 3 : 5;
  const found: BenchRow[] = [];
  for (const [stepMs, words] of [
    [1, 'instants to the millisecond'],
    [1000, 'whole seconds, several calls at one'],
  ] as const) {
    const day = await startMongoDay(rows, stepMs);
    try {
      const of = { host: day.host, database: 'stub', rows, rounds, say };
      found.push(
        await race(of, `a MongoDB day of ${rows} calls, ${words}`, 'a stub of the protocol'),
      );
    } finally {
      await day.close();
    }
  }
  const given = process.env['MONGODB_URL'];
  if (given) found.push(await raceOn(given, { rows, rounds, say }));
  return found;
}

interface Race {
  readonly host: string;
  readonly database: string;
  readonly rows: number;
  readonly rounds: number;
  readonly say: (text: string) => void;
}

async function race(of: Race, figure: string, server: string): Promise<BenchRow> {
  const source = openMongo(connectionTo(of), placeOf());
  const client = new MongoClient(`mongodb://${of.host}/`, { directConnection: true });
  const calls = client.db(of.database).collection('calls');
  const theirs = async () => {
    const filter = {
      $and: [{ startedAt: { $gte: new Date(DAY.start), $lt: new Date(DAY.end) } }, ONLY],
    };
    const documents = await calls.find(filter, { sort: { startedAt: 1, callId: 1 } }).toArray();
    if (documents.length !== of.rows) throw new Error(`${documents.length} documents`);
  };
  const ours = async () => {
    const request = { tenantId: '', dataset: 'calls' as const, window: DAY };
    const signal = AbortSignal.timeout(120_000);
    const count = await source.read({ ...request, signal }, ({ chunks }) => countRows(chunks));
    if (count !== of.rows) throw new Error(`${count} rows`);
  };
  try {
    // Connected, compiled, and each batch made by the server.
    for (let warm = 0; warm < 2; warm++) {
      await theirs();
      await ours();
    }
    const seconds: { ours: number; theirs: number }[] = [];
    for (let round = 0; round < of.rounds; round++) {
      const pair = { ours: 0, theirs: 0 };
      for (const side of round % 2 === 0
        ? (['ours', 'theirs'] as const)
        : (['theirs', 'ours'] as const)) {
        pair[side] = await secondsOf(side === 'ours' ? ours : theirs);
      }
      of.say(`sources: ${pair.ours.toFixed(3)} s, the driver ${pair.theirs.toFixed(3)} s`);
      seconds.push(pair);
    }
    const note = `the driver's cursor to an array; ${server}; ours typed columns in order, counted before and after`;
    return rowOf(figure, 's', note, seconds);
  } finally {
    await source.close();
    await client.close();
  }
}

const ONLY = { 'account.id': { $eq: ACCOUNT } };

function placeOf(): ForeignPlace {
  return {
    ...{ dataset: 'calls', from: 'calls', map: parseLoadMap(CALLS_MAP, datasetOf('calls')) },
    ...{ anchorColumn: 'startedAt', keyColumn: 'callId', updatedColumn: 'updatedAt' },
    only: { column: 'account.id', equals: ACCOUNT },
  };
}

function connectionTo({ host, database }: Pick<Race, 'host' | 'database'>): ForeignConnection {
  return {
    settings: { host, database, tls: 'off' },
    credentials: {},
    reach: async (name) => name,
  };
}

async function countRows(chunks: AsyncIterable<Chunk>): Promise<number> {
  let rows = 0;
  for await (const chunk of chunks) {
    if (chunk.rows > CHUNK_ROWS) throw new Error(`a chunk of ${chunk.rows} rows`);
    rows += chunk.rows;
  }
  return rows;
}

/** The same documents on a server that somebody else runs. */
async function raceOn(url: string, of: Pick<Race, 'rows' | 'rounds' | 'say'>): Promise<BenchRow> {
  const client = new MongoClient(url);
  const database = client.db(DATABASE);
  try {
    const { version } = await client.db('admin').command({ buildInfo: 1 });
    await database.dropDatabase();
    const calls = database.collection('calls');
    await calls.createIndex({ 'account.id': 1, startedAt: 1, callId: 1 });
    let held = [];
    for (const document of callDocuments(of.rows, 1)) {
      if (held.push(document) === 5_000) await calls.insertMany(held.splice(0));
    }
    if (held.length > 0) await calls.insertMany(held);
    held = [];
    const { host } = new URL(url);
    const figure = `the same of ${of.rows} calls, a server that was given`;
    return await race({ ...of, host, database: DATABASE }, figure, `version ${version}`);
  } finally {
    await database.dropDatabase();
    await client.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const rows = await benchSources({ quick: process.argv.includes('--quick'), say });
  process.stdout.write(`${tableOf(rows)}\n`);
}
