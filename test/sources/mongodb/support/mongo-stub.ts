import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { BSON } from 'mongodb';

/**
 * A server that speaks as much of MongoDB's wire protocol as a reader needs, over documents in
 * memory, kept as the bytes that came. It can do what a real one does seldom: lose cursors, end
 * connections, hold what no real one stores.
 */
export interface MongoStub {
  readonly host: string;
  readonly collections: Map<string, Buffer[]>;
  /** Commands in the order in which they came, without those of the handshake. */
  readonly commands: BSON.Document[];
  /** Asked before each `getMore`: what happens instead of its answer. */
  onGetMore: ((nth: number) => 'answer' | 'cut' | 'lose' | 'interrupt') | null;
  /** Asked when a `find` of rows begins. */
  onFind: (() => 'answer' | 'cut') | null;
  close(): Promise<void>;
}

/** What of its documents is still to be given. */
interface Cursor {
  readonly documents: readonly Buffer[];
  readonly from: number;
  readonly namespace: string;
}

const OP_MSG = 2013;
const OP_QUERY = 2004;
const OP_REPLY = 1;
const HANDSHAKE = ['hello', 'ismaster', 'isMaster', 'ping', 'endSessions', 'killCursors'];

export async function startMongoStub(): Promise<MongoStub> {
  const collections = new Map<string, Buffer[]>();
  const cursors = new Map<bigint, Cursor>();
  const sockets = new Set<Socket>();
  const answers = new Map<string, { of: readonly Buffer[]; made: Buffer[] }>();
  let lastCursor = 1n;
  let getMores = 0;
  const stub = {
    collections,
    commands: [] as BSON.Document[],
    onGetMore: null as MongoStub['onGetMore'],
    onFind: null as MongoStub['onFind'],
  };

  function answer(command: BSON.Document): Buffer | 'cut' {
    const [name] = Object.keys(command);
    if (!HANDSHAKE.includes(name)) stub.commands.push(command);
    switch (name) {
      case 'hello':
      case 'ismaster':
      case 'isMaster':
        return reply({
          ...{ ok: 1, helloOk: true, isWritablePrimary: true, ismaster: true, readOnly: false },
          ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000 },
          ...{ maxWriteBatchSize: 100_000, minWireVersion: 0, maxWireVersion: 21 },
          ...{ localTime: new Date(), logicalSessionTimeoutMinutes: 30, connectionId: 1 },
        });
      case 'buildInfo':
        return reply({ ok: 1, version: '7.0.0-stub' });
      case 'aggregate':
        return aggregate(command);
      case 'find':
        return find(command);
      case 'getMore':
        return getMore(command);
      default:
        return reply({ ok: 1 });
    }
  }

  function aggregate(command: BSON.Document): Buffer {
    const [match] = command['pipeline'] as { $match: BSON.Document }[];
    const n = matching(command['aggregate'], match.$match).length;
    const firstBatch = n === 0 ? [] : [BSON.serialize({ _id: 1, n })];
    const array = arrayOf(firstBatch.map(toBuffer));
    return cursorReply('firstBatch', 0n, `stub.${command['aggregate']}`, array);
  }

  function find(command: BSON.Document): Buffer | 'cut' {
    const found = matching(command['find'], command['filter'] ?? {});
    const sort = Object.entries((command['sort'] ?? {}) as Record<string, number>);
    const sorted = remembered(`sort ${command['find']} ${JSON.stringify(sort)}`, found, () =>
      sortedBy(found, sort),
    );
    const limit = Number(command['limit'] ?? 0);
    const namespace = `stub.${command['find']}`;
    if (limit > 0) return cursorReply('firstBatch', 0n, namespace, encoded(sorted, 0, limit));
    if (stub.onFind?.() === 'cut') return 'cut';
    const cursor = { documents: sorted, from: 0, namespace };
    return batch('firstBatch', cursor, Number(command['batchSize'] ?? 101));
  }

  function getMore(command: BSON.Document): Buffer | 'cut' {
    getMores += 1;
    const what = stub.onGetMore?.(getMores) ?? 'answer';
    if (what === 'cut') return 'cut';
    const id = BigInt(String(command['getMore']));
    const cursor = cursors.get(id);
    if (what === 'lose') cursors.delete(id);
    if (what === 'interrupt') return failure(11_600, 'InterruptedAtShutdown');
    if (what === 'lose' || !cursor) return failure(43, 'CursorNotFound');
    cursors.delete(id);
    return batch('nextBatch', cursor, Number(command['batchSize'] ?? 1e6));
  }

  function batch(name: string, { documents, from, namespace }: Cursor, size: number): Buffer {
    const end = batchEnd(documents, from, size);
    let id = 0n;
    if (end < documents.length) {
      lastCursor += 1n;
      id = lastCursor;
      cursors.set(id, { documents, from: end, namespace });
    }
    return cursorReply(name, id, namespace, encoded(documents, from, end));
  }

  function matching(collection: string, filter: BSON.Document): Buffer[] {
    const all = collections.get(collection) ?? [];
    return remembered(`match ${collection} ${BSON.EJSON.stringify(filter)}`, all, () =>
      all.filter((bytes) => matches(parse(bytes), filter)),
    );
  }

  /** The same documents give the same answer: tests ask the same thing hundreds of times. */
  function remembered(what: string, of: readonly Buffer[], make: () => Buffer[]): Buffer[] {
    const known = answers.get(what);
    if (known?.of.length === of.length && known.of.every((each, i) => each === of[i])) {
      return known.made;
    }
    const made = make();
    answers.set(what, { of: [...of], made });
    return made;
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    let held = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      while (held.length >= 16 && held.length >= held.readInt32LE(0)) {
        const message = held.subarray(0, held.readInt32LE(0));
        held = held.subarray(message.length);
        const request = message.readInt32LE(4);
        const code = message.readInt32LE(12);
        if (code === OP_QUERY) {
          const nameEnd = message.indexOf(0, 20);
          const given = answer(parse(message.subarray(nameEnd + 9)));
          if (given !== 'cut')
            socket.write(framed(OP_REPLY, request, [Buffer.alloc(16), ONE, given]));
          continue;
        }
        // Flags, then a section of kind 0: one document.
        const given = answer(parse(message.subarray(21)));
        if (given === 'cut') {
          socket.destroy();
          return;
        }
        socket.write(framed(OP_MSG, request, [Buffer.alloc(5), given]));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return Object.assign(stub, {
    host: `127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

function sortedBy(found: readonly Buffer[], sort: readonly [string, number][]): Buffer[] {
  return found
    .map((bytes) => ({ bytes, keys: sort.map(([path]) => sortable(valueAt(parse(bytes), path))) }))
    .sort((a, b) => {
      for (let i = 0; i < sort.length; i++) {
        if (a.keys[i] < b.keys[i]) return -sort[i][1];
        if (a.keys[i] > b.keys[i]) return sort[i][1];
      }
      return 0;
    })
    .map(({ bytes }) => bytes);
}

const ONE = Buffer.from([1, 0, 0, 0]);

function framed(code: number, to: number, parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(16);
  // Of an OP_REPLY: flags, cursor and start, twenty bytes with the number of documents.
  const body = Buffer.concat(parts);
  head.writeInt32LE(16 + body.length, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(to, 8);
  head.writeInt32LE(code, 12);
  return Buffer.concat([head, body]);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function reply(document: BSON.Document): Buffer {
  return toBuffer(BSON.serialize(document));
}

function failure(code: number, codeName: string): Buffer {
  return reply({ ok: 0, code, codeName, errmsg: codeName });
}

const MOST_BATCH_BYTES = 16_777_216;

/** As a real one ends a batch: by the number that was asked for, or by its bytes. */
function batchEnd(documents: readonly Buffer[], from: number, size: number): number {
  const most = Math.min(from + size, documents.length);
  let bytes = 0;
  for (let end = from; end < most; end++) {
    bytes += documents[end].length;
    if (bytes > MOST_BATCH_BYTES && end > from) return end;
  }
  return most;
}

const batches = new WeakMap<readonly Buffer[], Map<string, Buffer>>();

/** An answer that was given before costs nothing: those who are timed wait for their own work. */
function encoded(documents: readonly Buffer[], from: number, end: number): Buffer {
  const known = batches.get(documents) ?? new Map<string, Buffer>();
  batches.set(documents, known);
  const made = known.get(`${from}-${end}`) ?? arrayOf(documents.slice(from, end));
  known.set(`${from}-${end}`, made);
  return made;
}

/** Documents go out as the bytes that they are: a library would not write some of them. */
function arrayOf(documents: readonly Buffer[]): Buffer {
  return documentOf(documents.map((bytes, index) => [0x03, String(index), bytes] as const));
}

function cursorReply(name: string, id: bigint, namespace: string, array: Buffer): Buffer {
  const cursorId = Buffer.alloc(8);
  cursorId.writeBigInt64LE(id);
  const text = Buffer.concat([Buffer.alloc(4), Buffer.from(`${namespace}\0`)]);
  text.writeInt32LE(text.length - 4, 0);
  const cursor = documentOf([
    [0x12, 'id', cursorId],
    [0x02, 'ns', text],
    [0x04, name, array],
  ]);
  const ok = Buffer.alloc(8);
  ok.writeDoubleLE(1);
  return documentOf([
    [0x03, 'cursor', cursor],
    [0x01, 'ok', ok],
  ]);
}

/** A document of elements whose values are bytes already. */
export function documentOf(
  elements: readonly (readonly [type: number, name: string, value: Buffer])[],
): Buffer {
  const parts = elements.flatMap(([type, name, value]) => [
    Buffer.from([type]),
    Buffer.from(`${name}\0`),
    value,
  ]);
  const length = Buffer.alloc(4);
  const all = [length, ...parts, Buffer.from([0])];
  length.writeInt32LE(all.reduce((sum, each) => sum + each.length, 0));
  return Buffer.concat(all);
}

const parsed = new WeakMap<Buffer, BSON.Document>();

function parse(bytes: Buffer): BSON.Document {
  const known = parsed.get(bytes);
  if (known) return known;
  const document = parseAnew(bytes);
  parsed.set(bytes, document);
  return document;
}

function parseAnew(bytes: Buffer): BSON.Document {
  return BSON.deserialize(bytes, { bsonRegExp: true, validation: { utf8: false } });
}

function valueAt(document: BSON.Document, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** As a server compares: by the bytes of a text, by the number of a date. */
function sortable(value: unknown): number | string {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'number') return value;
  return Buffer.from(String(value ?? '')).toString('latin1');
}

function matches(document: BSON.Document, filter: BSON.Document): boolean {
  return Object.entries(filter).every(([path, wanted]) => {
    if (path === '$and')
      return (wanted as BSON.Document[]).every((each) => matches(document, each));
    const value = valueAt(document, path);
    return Object.entries(wanted as BSON.Document).every(([operator, bound]) => {
      switch (operator) {
        case '$eq':
          return value === bound;
        case '$ne':
          return value !== bound;
        case '$gte':
          return value instanceof Date && value >= (bound as Date);
        case '$lt':
          return value instanceof Date && value < (bound as Date);
        case '$regex':
          return new RegExp((bound as BSON.BSONRegExp).pattern, 'u').test(String(value));
        default:
          throw new Error(`the stub knows no ${operator}`);
      }
    });
  });
}
