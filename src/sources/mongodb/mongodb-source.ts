import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import {
  type Collection,
  type Document,
  type FindCursor,
  MongoClient,
  MongoNetworkError,
  MongoServerError,
} from 'mongodb';
import { DaybookError } from '../../errors.ts';
import type { Chunk } from '../../reports/chunk.ts';
import type { WindowVersion } from '../../reports/ports.ts';
import { checkPlace } from '../check-place.ts';
import type {
  ForeignConnection,
  ForeignPlace,
  ForeignSource,
  OpenForeign,
} from '../foreign-source.ts';
import { DocumentOrder } from './document-order.ts';
import { DocumentRows } from './document-rows.ts';
import { toMongoError } from './mongo-error.ts';
import { checkPaths, onlyFilters, projectionOf, windowFilter } from './queries.ts';
import { clientOptions, type MongoServer, parseServer, urlOf } from './server.ts';

/** Documents that the server sends at once. */
const BATCH = 4_000;
/** How often one reading goes on after its cursor was lost. */
const MOST_RESUMES = 3;
/** Windows whose versions are asked for at once. */
const AT_ONCE = 4;
const MOST_SERVER_MS = 110_000;

/** The server gave the cursor up: it was restarted, timed the cursor out, or somebody killed it. */
const LOST_CURSOR_CODES = [43, 237, 11_600, 11_602, 91, 189, 10_107, 13_435, 13_436];

type Window = { readonly start: number; readonly end: number };
type Rows = Collection<Document>;

/**
 * One tenant's documents of a collection, read with majority read concern, never written. A server
 * that is no replica set has no snapshots: a window's version is taken before and after its reading,
 * and the reading fails, to be tried again, unless both are the same.
 */
export const openMongo: OpenForeign = (connection, place) => {
  checkPlace(place);
  const rows = new DocumentRows(place);
  checkPaths(place, rows.paths);
  return new MongoSource(connection, place, rows.paths);
};

class MongoSource implements ForeignSource {
  readonly #connection: ForeignConnection;
  readonly #server: MongoServer;
  readonly #place: ForeignPlace;
  readonly #projection: Document;
  readonly #what: string;
  #client: Promise<MongoClient> | null = null;

  constructor(connection: ForeignConnection, place: ForeignPlace, paths: readonly string[]) {
    this.#connection = connection;
    this.#server = parseServer(connection);
    this.#place = place;
    this.#projection = projectionOf(paths);
    this.#what = `the database at ${this.#server.hosts.map(({ name }) => name).join(', ')}`;
  }

  versions: ForeignSource['versions'] = ({ windows, signal, dataset }) => {
    this.#demandDataset(dataset);
    if (windows.length === 0) return Promise.resolve([]);
    return this.#within(signal, async (collection) => {
      const versions: WindowVersion[] = [];
      for (let at = 0; at < windows.length; at += AT_ONCE) {
        const some = windows.slice(at, at + AT_ONCE);
        versions.push(
          ...(await Promise.all(some.map((each) => this.#version(collection, each, signal)))),
        );
      }
      return versions;
    });
  };

  read: ForeignSource['read'] = ({ window, signal, dataset }, consume) => {
    this.#demandDataset(dataset);
    return this.#within(signal, async (collection) => {
      const version = await this.#version(collection, window, signal);
      return consume({ version, chunks: this.#chunks(collection, window, version, signal) });
    });
  };

  async check(signal: AbortSignal): Promise<{ readonly server: string; readonly sample: number }> {
    const { server, newest } = await this.#within(signal, async (collection) => {
      const { anchorColumn, only } = this.#place;
      const client = await this.#connected();
      const { version } = await client.db('admin').command({ buildInfo: 1 });
      const filter = { $and: [{ [anchorColumn]: { $ne: null } }, ...onlyFilters(only)] };
      const [document] = await collection
        .find(filter, { sort: { [anchorColumn]: -1 }, limit: 1, maxTimeMS: MOST_SERVER_MS })
        .project({ [anchorColumn]: 1, _id: 0 })
        .toArray();
      const value = document ? valueAt(document, anchorColumn) : null;
      if (document && !(value instanceof Date)) {
        const got = Array.isArray(value) ? 'an array' : `a ${typeof value}`;
        throw new DaybookError('E_SOURCE', {
          where: `${this.#place.from}.${anchorColumn}`,
          reason: `it is ${got}; windows are asked for by dates`,
        });
      }
      return {
        server: `MongoDB ${version}`,
        newest: value instanceof Date ? value.getTime() : null,
      };
    });
    if (newest === null) return { server, sample: 0 };
    const request = {
      ...{ tenantId: '', dataset: this.#place.dataset, signal },
      window: { start: newest, end: newest + 1 },
    };
    const sample = await this.read(request, async ({ chunks }) => {
      let rows = 0;
      for await (const chunk of chunks) rows += chunk.rows;
      return rows;
    });
    return { server, sample };
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await (await client?.catch(() => null))?.close();
  }

  #demandDataset(dataset: string): void {
    if (dataset === this.#place.dataset) return;
    const reason = `a source of ${this.#place.dataset} was asked for ${dataset}`;
    throw new DaybookError('E_INTERNAL', { reason });
  }

  async #within<T>(signal: AbortSignal, work: (collection: Rows) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    // Every command of a reading listens to it.
    setMaxListeners(0, signal);
    try {
      const client = await this.#connected();
      return await work(client.db(this.#server.database).collection(this.#place.from));
    } catch (error) {
      throw signal.aborted ? signal.reason : toMongoError(error, this.#what);
    }
  }

  #connected(): Promise<MongoClient> {
    this.#client ??= this.#connect().catch((error) => {
      this.#client = null;
      throw error;
    });
    return this.#client;
  }

  async #connect(): Promise<MongoClient> {
    const { reach } = this.#connection;
    // A name is looked up by `reach` when it is connected to; an address never is looked up.
    for (const { name } of this.#server.hosts) {
      const address = name.replace(/^\[|\]$/g, '');
      if (isIP(address)) await reach(address);
    }
    const client = new MongoClient(urlOf(this.#server), clientOptions(this.#server, reach));
    client.on('serverOpening', ({ address }) => {
      const host = address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
      if (isIP(host)) reach(host).catch(() => client.close().catch(() => {}));
    });
    try {
      return await client.connect();
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  async #version(collection: Rows, window: Window, signal: AbortSignal): Promise<WindowVersion> {
    const filter = windowFilter(this.#place, window);
    const { keyColumn, updatedColumn } = this.#place;
    const last = async (column: string): Promise<unknown> => {
      const [found] = await collection
        .find(filter, { sort: { [column]: -1 }, limit: 1, maxTimeMS: MOST_SERVER_MS, signal })
        .project({ [column]: 1, _id: column === '_id' ? 1 : 0 })
        .toArray();
      return found ? valueAt(found, column) : null;
    };
    const [rows, key, newest] = await Promise.all([
      collection.countDocuments(filter, { maxTimeMS: MOST_SERVER_MS }),
      last(keyColumn),
      updatedColumn === null ? null : last(updatedColumn),
    ]);
    signal.throwIfAborted();
    return {
      fingerprint: createHash('sha256')
        .update(JSON.stringify([rows, textOf(key), textOf(newest)]))
        .digest('hex')
        .slice(0, 32),
      changedAt: newest instanceof Date ? newest.getTime() : null,
      rows,
    };
  }

  async *#chunks(
    collection: Rows,
    window: Window,
    version: WindowVersion,
    signal: AbortSignal,
  ): AsyncGenerator<Chunk> {
    const rows = new DocumentRows(this.#place);
    const order = new DocumentOrder(rows);
    let total = 0;
    const rest = (): Window => {
      order.forget();
      // What of this instant has come already comes once more.
      const { instant } = order;
      return { start: Number.isNaN(instant) ? window.start : instant, end: window.end };
    };
    for await (const batch of this.#batches(collection, window, rest, signal)) {
      for (const document of batch) order.add(document);
      for (const chunk of rows.takeFull()) {
        total += chunk.rows;
        yield chunk;
      }
    }
    order.settle();
    for (const chunk of rows.takeAll()) {
      total += chunk.rows;
      yield chunk;
    }
    const after = await this.#version(collection, window, signal);
    if (after.fingerprint === version.fingerprint && total === version.rows) return;
    const reason =
      total === version.rows
        ? `rows of ${this.#place.from} changed while they were read`
        : `it gave ${total} rows of ${version.rows}`;
    throw new DaybookError('E_UNAVAILABLE', { what: this.#what, reason });
  }

  /** Batches of documents by anchor; a lost cursor is opened anew where `rest` says. */
  async *#batches(
    collection: Rows,
    window: Window,
    rest: () => Window,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Buffer[]> {
    const { anchorColumn, keyColumn } = this.#place;
    let left = window;
    for (let resumes = 0; ; ) {
      const cursor = collection.find(windowFilter(this.#place, left), {
        sort: { [anchorColumn]: 1, [keyColumn]: 1 },
        projection: this.#projection,
        ...{ raw: true, batchSize: BATCH, maxTimeMS: MOST_SERVER_MS, signal },
      });
      // Asked for before it is wanted: the server works on the next batch while we do on this one.
      let more = cursor.hasNext();
      try {
        while (await more) {
          signal.throwIfAborted();
          const batch = takeBatch(cursor);
          more = cursor.hasNext();
          more.catch(() => {});
          yield batch;
          signal.throwIfAborted();
        }
        return;
      } catch (error) {
        if (signal.aborted || !isLostCursor(error) || resumes === MOST_RESUMES) throw error;
        resumes += 1;
        left = rest();
      } finally {
        await cursor.close().catch(() => {});
      }
    }
  }
}

function takeBatch(cursor: FindCursor<Document>): readonly Buffer[] {
  // With `raw` they are bytes, whatever their type says.
  const documents = cursor.readBufferedDocuments() as unknown as readonly Uint8Array[];
  return documents.map((each) =>
    each instanceof Buffer ? each : Buffer.from(each.buffer, each.byteOffset, each.byteLength),
  );
}

function isLostCursor(error: unknown): boolean {
  if (error instanceof MongoNetworkError) return true;
  return error instanceof MongoServerError && LOST_CURSOR_CODES.includes(Number(error.code));
}

function valueAt(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value.toISOString() : String(value);
}
