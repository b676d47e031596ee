import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BSON } from 'mongodb';
import { startMongoStub } from '../test/sources/mongodb/support/mongo-stub.ts';

/** A day of calls as a telephone exchange keeps them in a MongoDB, from a seed. */

export const DAY = { start: Date.UTC(2026, 2, 2), end: Date.UTC(2026, 2, 3) };
export const ACCOUNT = 'acme';

/** How the collection's fields become those of calls. */
export const CALLS_MAP = {
  fields: {
    ...{ external_id: 'callId', started_at: 'startedAt', answered_at: 'answeredAt' },
    ...{ ended_at: 'endedAt', direction: 'direction', caller: 'from.number' },
    ...{ callee: 'to.number', queue: 'queue', agent: 'agent.name', trunk: 'trunk' },
    disposition: {
      column: 'status',
      match: [
        ['^ANSWER$', 'answered'],
        ['^NOANSWER$', 'no_answer'],
        ['^BUSY$', 'busy'],
      ],
    },
    ...{ wait_seconds: 'waitSeconds', talk_seconds: 'talkSeconds' },
  },
};

/** @param stepMs instants are whole multiples of it: at 1000, several calls share one */
export function* callDocuments(count: number, stepMs: number): Generator<BSON.Document> {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 4_294_967_296) * below);
  };
  for (let index = 0; index < count; index++) {
    const started = DAY.start + Math.floor(random(DAY.end - DAY.start) / stepMs) * stepMs;
    const status = ['ANSWER', 'ANSWER', 'ANSWER', 'NOANSWER', 'BUSY'][random(5)];
    const wait = random(60);
    const talk = status === 'ANSWER' ? random(900) : 0;
    const answered = started + wait * 1000;
    const ended = answered + talk * 1000;
    yield {
      _id: new BSON.ObjectId(index.toString(16).padStart(24, '0')),
      callId: `${started}.${String(index).padStart(6, '0')}`,
      account: { id: ACCOUNT, name: 'Acme Ltd' },
      startedAt: new Date(started),
      answeredAt: status === 'ANSWER' ? new Date(answered) : null,
      endedAt: new Date(ended),
      direction: random(3) === 0 ? 'outbound' : 'inbound',
      from: { number: `+44207946${String(random(10_000)).padStart(4, '0')}`, name: 'Zoë Müller' },
      to: { number: `+351219${String(random(1_000_000)).padStart(6, '0')}` },
      queue: `queue-${random(20)}`,
      agent: { name: `agent ${random(200)}` },
      trunk: `trunk-${random(4)}`,
      status,
      waitSeconds: wait,
      talkSeconds: BSON.Long.fromNumber(talk),
      updatedAt: new Date(ended),
    };
  }
}

/** A server in a process of its own that answers before it is asked: its batches are made. */
export interface MongoDay {
  /** `name:port` */
  readonly host: string;
  close(): Promise<void>;
}

const SELF = fileURLToPath(import.meta.url);

/** Must be closed. */
export async function startMongoDay(count: number, stepMs: number): Promise<MongoDay> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', SELF, String(count), String(stepMs)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [host] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return {
    host,
    async close() {
      child.stdin!.end();
      await once(child, 'close');
    },
  };
}

if (process.argv[1] === SELF) {
  const [count, stepMs] = process.argv.slice(2).map(Number);
  const stub = await startMongoStub();
  const documents = [...callDocuments(count, stepMs)].map((document) => {
    const bytes = BSON.serialize(document);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  });
  stub.collections.set('calls', documents);
  process.stdout.write(`${stub.host}\n`);
  process.stdin.resume().on('end', () => process.exit(0));
}
